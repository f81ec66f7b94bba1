"""What a lead decides about one human: who may not contact them, what was a mistake, which records are one."""
