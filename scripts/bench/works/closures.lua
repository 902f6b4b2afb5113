local function adder(step)
  local total = 0
  return function(x) total = total + x * step; return total end
end
function work()
  local add, last = adder(3), 0
  for i = 0, 299999 do last = add(i) end
  local squares, kept, sum = {}, {}, 0
  local square = function(x) return x * x end
  local even = function(x) return x % 2 == 0 end
  local plus = function(a, b) return a + b end
  for i = 0, 199999 do squares[#squares + 1] = square(i) end
  for i = 1, #squares do if even(squares[i]) then kept[#kept + 1] = squares[i] end end
  for i = 1, #kept do sum = plus(sum, kept[i]) end
  return last + sum
end
