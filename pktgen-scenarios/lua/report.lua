-- A report: one flat JSON object a line, each written out at once, so that whoever reads sees how far the run is.
local report = {}

local function value_text(value)
  if type(value) == "number" then
    -- JSON has neither "1e+15" without digits nor inf and nan; a rate needs no more than ten digits.
    assert(value == value and math.abs(value) ~= math.huge, "a figure that is no number")
    return math.type(value) == "integer" and string.format("%d", value) or string.format("%.10g", value)
  end
  return '"' .. tostring(value):gsub('[%c"\\]', function(c) return string.format("\\u%04x", c:byte()) end) .. '"'
end

function report.open(path)
  local file = assert(io.open(path, "w"))
  -- write(kind, fields): a line { "kind": kind, ... }, its keys sorted.
  return function(kind, fields)
    local keys = {}
    for key in pairs(fields) do
      keys[#keys + 1] = key
    end
    table.sort(keys)
    local parts = { '"kind": ' .. value_text(kind) }
    for _, key in ipairs(keys) do
      parts[#parts + 1] = value_text(key) .. ": " .. value_text(fields[key])
    end
    file:write("{", table.concat(parts, ", "), "}\n")
    file:flush()
  end
end

return report
