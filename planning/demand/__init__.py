"""What will be sold: the history of many products in, units a day out. Plain arithmetic, knows no database.

``forecast(history, season, horizon_days=...)`` chooses a method for each product by its own past error;
``window_units`` spreads the chosen rate over the days of a window. docs/planning.md has the formulas.
"""

from planning.demand.choice import MIN_WEEKS, Forecast, forecast
from planning.demand.history import LEVEL_SEASON, History, Season, window_units
from planning.demand.methods import METHODS, Method

__all__ = [
    "LEVEL_SEASON",
    "METHODS",
    "MIN_WEEKS",
    "Forecast",
    "History",
    "Method",
    "Season",
    "forecast",
    "window_units",
]
