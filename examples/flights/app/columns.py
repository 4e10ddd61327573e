"""The columns of the features table, and those that may never be in it.

A feature is a fact known before the plane leaves. Weather is that of the hours before the scheduled
hour, because the reading of an hour is taken near its end, when the plane may be gone already.
"""

LABEL = "late"  # 1 when the flight arrived more than 15 minutes late; null when it never arrived
LATE_MINUTES = 15

CATEGORIES = ["carrier", "origin", "dest"]

SCHEDULE = [
    "weekday",  # 1 Sunday … 7 Saturday
    "departure",  # scheduled, minutes after local midnight
    "arrival",
    "distance",  # miles
    "departures_hour",  # flights scheduled out of this airport in this hour
    "departures_day",
    "leg",  # the plane's how-manieth scheduled departure from New York of the day
]

PLANE = ["plane_age", "seats", "engines"]

WEATHER = [
    "temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib",
    "precip_3h", "precip_12h", "visib_3h", "wind_speed_3h", "wind_gust_3h", "pressure_change",
]

NUMBERS = SCHEDULE + PLANE + WEATHER
FEATURES = CATEGORIES + NUMBERS

# Which flight a row is about; not for the model.
KEYS = ["year", "day", "flight", "tailnum", "time_hour"]
PARTITION = "month"

# Known only after the plane left, landed or did not.
FORBIDDEN = ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"]
