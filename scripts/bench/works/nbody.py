def work():
    px, py, pz = [0.0, 4.84, 8.34, 12.89, 15.37], [0.0, -1.16, 4.12, -15.11, -25.91], [0.0, -0.1, -0.4, -0.22, 0.17]
    vx = [0.0, 0.6, -1.01, 1.08, 0.97]
    vy = [0.0, 2.81, 1.82, 0.86, 0.59]
    vz = [0.0, -0.02, 0.008, -0.01, -0.03]
    mass = [39.47, 0.037, 0.011, 0.0017, 0.002]
    dt = 0.01
    for step in range(20000):
        for i in range(5):
            for j in range(i + 1, 5):
                dx = px[i] - px[j]
                dy = py[i] - py[j]
                dz = pz[i] - pz[j]
                d2 = dx * dx + dy * dy + dz * dz
                mag = dt / (d2 * d2 ** 0.5)
                mi = mass[i] * mag
                mj = mass[j] * mag
                vx[i] -= dx * mj
                vy[i] -= dy * mj
                vz[i] -= dz * mj
                vx[j] += dx * mi
                vy[j] += dy * mi
                vz[j] += dz * mi
        for i in range(5):
            px[i] += dt * vx[i]
            py[i] += dt * vy[i]
            pz[i] += dt * vz[i]
    return px[1] + py[2] + pz[3]
