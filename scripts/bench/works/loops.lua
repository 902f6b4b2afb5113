function work()
  local total = 0
  for i = 0, 999 do
    for j = 0, 999 do
      if (i + j) % 3 == 0 then total = total + i * j else total = total - 1 end
    end
  end
  return total
end
