"""What the page of an experiment sends."""

from flask_wtf import FlaskForm
from wtforms import DecimalField, IntegerField
from wtforms.validators import InputRequired, NumberRange

from ops.scripts.actions.writing import Seen
from ops.scripts.experiments import DEFAULT_BASELINE, DEFAULT_DIFFERENCE

LARGEST = 2**63 - 1


class ShareField(DecimalField):
    """A number; what Python calls one and is none (a signalling NaN) is refused before anybody compares it."""

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        if self.data is not None and not self.data.is_finite():
            self.data = None
            raise ValueError("Please enter a number.")


class StartForm(FlaskForm):
    version = IntegerField(validators=[InputRequired(), NumberRange(1, LARGEST)])
    revision = IntegerField(validators=[InputRequired(), NumberRange(1, 2**31 - 1)])
    baseline = ShareField(
        "Of those who answer, say yes now (%)",
        [InputRequired("Please enter a number."), NumberRange(1, 98, message="Between 1 and 98%%.")],
        default=round(DEFAULT_BASELINE * 100),
        places=None,
    )
    difference = ShareField(
        "Smallest difference worth knowing (points)",
        [InputRequired("Please enter a number."), NumberRange(2, 60, message="Between 2 and 60 points.")],
        default=round(DEFAULT_DIFFERENCE * 100),
        places=None,
    )

    def seen(self) -> Seen:
        return Seen(self.version.data or 0, self.revision.data or 0)
