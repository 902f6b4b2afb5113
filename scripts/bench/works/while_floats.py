def work():
    x = 0.5
    i = 0
    while i < 1000000:
        x = 3.7 * x * (1.0 - x)
        i += 1
    return x
