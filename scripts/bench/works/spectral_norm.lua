local function a(i, j) return 1.0 / ((i + j) * (i + j + 1) // 2 + i + 1) end
local function times(v)
  local n, out = #v, {}
  for i = 0, n - 1 do
    local sum = 0.0
    for j = 0, n - 1 do sum = sum + a(i, j) * v[j + 1] end
    out[i + 1] = sum
  end
  return out
end
local function times_transposed(v)
  local n, out = #v, {}
  for i = 0, n - 1 do
    local sum = 0.0
    for j = 0, n - 1 do sum = sum + a(j, i) * v[j + 1] end
    out[i + 1] = sum
  end
  return out
end
function work()
  local u, v = {}, nil
  for i = 1, 100 do u[i] = 1.0 end
  for step = 1, 10 do
    v = times_transposed(times(u))
    u = times_transposed(times(v))
  end
  local uv, vv = 0.0, 0.0
  for i = 1, 100 do
    uv = uv + u[i] * v[i]
    vv = vv + v[i] * v[i]
  end
  return (uv / vv) ^ 0.5
end
