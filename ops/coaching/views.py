"""Finished cards as a lead reads them, and what an agent is told about them."""

from flask import Blueprint

bp = Blueprint("coaching", __name__)
