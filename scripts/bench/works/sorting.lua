function work()
  local state, up, down = 12345, {}, {}
  for i = 1, 100000 do
    state = (state * 1103515245 + 12345) % 2147483648
    up[i] = state
    down[i] = state
  end
  table.sort(up)
  table.sort(down, function(a, b) return -a < -b end)
  return up[501] + down[501]
end
