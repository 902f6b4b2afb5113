def work():
    state = 12345
    items = []
    for i in range(100000):
        state = (state * 1103515245 + 12345) % 2147483648
        items.append(state)
    up = sorted(items)
    down = sorted(items, key=lambda x: -x)
    return up[500] + down[500]
