from functools import reduce
def adder(step):
    total = 0
    def add(x):
        nonlocal total
        total += x * step
        return total
    return add
def work():
    add = adder(3)
    last = 0
    for i in range(300000):
        last = add(i)
    squares = list(map(lambda x: x * x, range(200000)))
    return last + reduce(lambda a, b: a + b, list(filter(lambda x: x % 2 == 0, squares)))
