function work()
  local px, py, pz = {0.0, 4.84, 8.34, 12.89, 15.37}, {0.0, -1.16, 4.12, -15.11, -25.91}, {0.0, -0.1, -0.4, -0.22, 0.17}
  local vx = {0.0, 0.6, -1.01, 1.08, 0.97}
  local vy = {0.0, 2.81, 1.82, 0.86, 0.59}
  local vz = {0.0, -0.02, 0.008, -0.01, -0.03}
  local mass = {39.47, 0.037, 0.011, 0.0017, 0.002}
  local dt = 0.01
  for step = 1, 20000 do
    for i = 1, 5 do
      for j = i + 1, 5 do
        local dx = px[i] - px[j]
        local dy = py[i] - py[j]
        local dz = pz[i] - pz[j]
        local d2 = dx * dx + dy * dy + dz * dz
        local mag = dt / (d2 * d2 ^ 0.5)
        local mi = mass[i] * mag
        local mj = mass[j] * mag
        vx[i] = vx[i] - dx * mj
        vy[i] = vy[i] - dy * mj
        vz[i] = vz[i] - dz * mj
        vx[j] = vx[j] + dx * mi
        vy[j] = vy[j] + dy * mi
        vz[j] = vz[j] + dz * mi
      end
    end
    for i = 1, 5 do
      px[i] = px[i] + dt * vx[i]
      py[i] = py[i] + dt * vy[i]
      pz[i] = pz[i] + dt * vz[i]
    end
  end
  return px[2] + py[3] + pz[4]
end
