local function make(depth)
  if depth == 0 then return {} else return {make(depth - 1), make(depth - 1)} end
end
local function check(tree)
  if tree[1] == nil then return 1 else return 1 + check(tree[1]) + check(tree[2]) end
end
function work()
  local total = 0
  for i = 1, 20 do total = total + check(make(12)) end
  return total
end
