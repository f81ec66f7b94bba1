"""What a lead says about finished work: comments, scorecards and their marks."""
