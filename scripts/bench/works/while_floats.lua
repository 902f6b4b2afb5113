function work()
  local x, i = 0.5, 0
  while i < 1000000 do
    x = 3.7 * x * (1.0 - x)
    i = i + 1
  end
  return x
end
