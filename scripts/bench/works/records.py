class Body:
    def __init__(self, x, y, vx, vy, mass):
        self.x, self.y, self.vx, self.vy, self.mass = x, y, vx, vy, mass
def work():
    bodies = []
    for i in range(5):
        bodies.append(Body(i * 1.0, i * 0.5, 0.0, 0.1 * i, 1.0 + i))
    for step in range(8000):
        for i in range(5):
            for j in range(5):
                if i != j:
                    dx = bodies[j].x - bodies[i].x
                    dy = bodies[j].y - bodies[i].y
                    d2 = dx * dx + dy * dy + 0.01
                    f = bodies[j].mass / d2 * 0.0001
                    bodies[i].vx += dx * f
                    bodies[i].vy += dy * f
        for i in range(5):
            bodies[i].x += bodies[i].vx * 0.01
            bodies[i].y += bodies[i].vy * 0.01
    return bodies[0].x
