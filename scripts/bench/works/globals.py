total = 0
odd = 0
def work():
    global total, odd
    for i in range(500000):
        total += i
        if i % 2 == 1:
            odd += 1
    return total + odd
