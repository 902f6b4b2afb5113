def work():
    text = ""
    for i in range(200000):
        text += f"{i},"
    parts = text.split(",")
    return len(text) + len(parts)
