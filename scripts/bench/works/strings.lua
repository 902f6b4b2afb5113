function work()
  local pieces = {}
  for i = 0, 199999 do pieces[#pieces + 1] = string.format("%d,", i) end
  local text = table.concat(pieces)
  local parts, start = {}, 1
  while true do
    local at = string.find(text, ",", start, true)
    if not at then parts[#parts + 1] = string.sub(text, start); break end
    parts[#parts + 1] = string.sub(text, start, at - 1)
    start = at + 1
  end
  return #text + #parts
end
