def work():
    n = 500000
    prime = [True] * n
    found = 0
    for i in range(2, n):
        if prime[i]:
            found += 1
            j = i * i
            while j < n:
                prime[j] = False
                j += i
    return found
