"""What every client asks about, and what it should be told."""

HELLO = "Hello from the scripted upstream."
WEATHER_TOLD = "Zürich: sunny; Bern: rainy"

# A picture of one pixel, 70 bytes of PNG.
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

CITY = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["name", "degrees"],
    "additionalProperties": False,
}
CITY_TOLD = {"name": "Zürich", "degrees": 21}

# The vectors of `a shelf` and `a book`.
SHELF = [1.4375, -0.203125, 1.734375, -1.125, -0.390625, 1.484375, -0.890625, 0.015625]
BOOK = [-0.265625, -0.71875, -1.84375, -1.890625, -1.6875, -0.5, -0.640625, 0.203125]

# A tool as OpenAI's chat offers it, and those who followed.
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
