"""The template holds what the checks ask."""

import pytest

from checks import CHECKS
from deployment import Deployment


@pytest.mark.parametrize("name", CHECKS)
def test_template(name):
    CHECKS[name](Deployment.read())
