def work():
    total = 0
    for i in range(1000):
        for j in range(1000):
            if (i + j) % 3 == 0:
                total += i * j
            else:
                total -= 1
    return total
