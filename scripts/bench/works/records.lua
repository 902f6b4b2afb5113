function work()
  local bodies = {}
  for i = 0, 4 do bodies[i] = {x = i * 1.0, y = i * 0.5, vx = 0.0, vy = 0.1 * i, mass = 1.0 + i} end
  for step = 1, 8000 do
    for i = 0, 4 do
      for j = 0, 4 do
        if i ~= j then
          local dx = bodies[j].x - bodies[i].x
          local dy = bodies[j].y - bodies[i].y
          local d2 = dx * dx + dy * dy + 0.01
          local f = bodies[j].mass / d2 * 0.0001
          bodies[i].vx = bodies[i].vx + dx * f
          bodies[i].vy = bodies[i].vy + dy * f
        end
      end
    end
    for i = 0, 4 do
      bodies[i].x = bodies[i].x + bodies[i].vx * 0.01
      bodies[i].y = bodies[i].y + bodies[i].vy * 0.01
    end
  end
  return bodies[0].x
end
