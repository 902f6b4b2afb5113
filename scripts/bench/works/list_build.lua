function work()
  local items = {}
  for i = 0, 499999 do items[#items + 1] = i % 7 end
  local total = 0
  for i = 1, 500000 do
    items[i] = items[i] + 1
    total = total + items[i]
  end
  return total
end
