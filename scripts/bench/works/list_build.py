def work():
    items = []
    for i in range(500000):
        items.append(i % 7)
    total = 0
    for i in range(500000):
        items[i] = items[i] + 1
        total += items[i]
    return total
