function work()
  local n = 500000
  local prime = {}
  for i = 0, n - 1 do prime[i] = true end
  local found = 0
  for i = 2, n - 1 do
    if prime[i] then
      found = found + 1
      local j = i * i
      while j < n do
        prime[j] = false
        j = j + i
      end
    end
  end
  return found
end
