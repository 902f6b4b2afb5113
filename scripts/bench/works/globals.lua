total = 0
odd = 0
function work()
  for i = 0, 499999 do
    total = total + i
    if i % 2 == 1 then odd = odd + 1 end
  end
  return total + odd
end
