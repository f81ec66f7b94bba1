"""The scripts' pages."""

from flask import Blueprint

bp = Blueprint("scripts", __name__)
