-- A stand-in for the `pktgen` table that Pktgen-DPDK gives to Lua scripts, with a simulated device behind its ports.
--
-- It knows the functions of the real table by name, and checks the calls of those that it carries out as strictly as the
-- real ones do, or more so: number of arguments, their types, their values. Everything else is an error, so that a
-- script which runs here calls nothing that is not there. Recorded from Pktgen-DPDK 24.07.1 and 26.02.4,
-- app/lpktgenlib.c.
--
-- Time is the script's own: it passes in delay, pause and sleep only. As in the real one, the counters are a snapshot
-- that is taken once a second, and switching to a pcap file forgets the rate.
local pktgen_api = {}

local FUNCTIONS = [[
  quit set start stop set_mac set_ipaddr mac_from_arp set_proto set_type ping4 pcap icmp_echo send_arp seq seqTable screen
  prime delay pause sleep load save clear clr cls update reset port_restart portCount totalPorts vlan vlanid cos tos vxlan
  vxlan_id mpls qinq gre gre_eth set_range ports_per_page page port process capture bonding blink help Lua.help isSending
  linkState portStats portInfo run continue input pattern userPattern latency jitter gtpu_teid rnd rnd_list
  latsampler_params latsampler clock_gettime]]
local FUNCTIONS_UNTIL_25 = FUNCTIONS .. " pktStats portSizes"
local FUNCTIONS_FROM_26 = FUNCTIONS .. " seq_tcp_flags set_tcp_flags rnd_s_ip rnd_s_pt"
local SETTINGS = { count = true, size = true, rate = true, burst = true, txburst = true, rxburst = true, cycles = true,
  sport = true, dport = true, ttl = true, seq_cnt = true, seqCnt = true, prime = true, dump = true }

-- Argument checks: each takes the argument and returns what is wrong with it, or nil.
local check = {}
function check.integer(value)
  return not math.tointeger(value) and "no integer" or nil
end
function check.number(value)
  return type(value) ~= "number" and "no number" or nil
end
function check.string(value)
  return type(value) ~= "string" and "no string" or nil
end
function check.port(value)
  return not (value == "0" or value == "1" or value == "0,1" or value == "all") and "no list of ports" or nil
end
function check.state(value)
  return not (value == "on" or value == "off") and "neither on nor off" or nil
end
function check.mac(value)
  local two = "%x%x"
  local pattern = "^" .. table.concat({ two, two, two, two, two, two }, ":") .. "$"
  return not (type(value) == "string" and value:find(pattern)) and "no MAC address" or nil
end
function check.family(value)
  return not (value == "ipv4" or value == "ipv6") and "neither ipv4 nor ipv6" or nil
end
function check.address(value)
  local known = type(value) == "string" and (value:find("^%d+%.%d+%.%d+%.%d+$") or value:find("^[%x:]+$"))
  return not known and "no address" or nil
end
function check.prefix(value)
  local address = type(value) == "string" and value:match("^(.*)/%d+$")
  return not (address and not check.address(address)) and "no address with a prefix length" or nil
end
-- Fails as if the caller of the API function were at fault.
local function checked(name, arguments, checks)
  if arguments.n ~= #checks then
    error("pktgen." .. name .. ": " .. arguments.n .. " arguments instead of " .. #checks, 3)
  end
  for i, kind in ipairs(checks) do
    local wrong = check[kind](arguments[i])
    if wrong then
      error("pktgen." .. name .. ": argument " .. i .. " (" .. tostring(arguments[i]) .. ") is " .. wrong, 3)
    end
  end
end

local function each(ports)
  if ports == "all" then
    ports = "0,1"
  end
  return ports:gmatch("%d")
end

-- A table of which every member that is not filled in is an error.
local function strict(names, members)
  local known = {}
  for name in names:gmatch("%S+") do
    known[name] = true
  end
  for name in pairs(members) do
    assert(known[name], name .. " is not in this version of Pktgen")
  end
  return setmetatable(members, { __index = function(_, name)
    if name == "pktStats" then
      return known[name] and function() error("pktgen.pktStats is not simulated", 2) end or nil
    end
    local why = known[name] and " is not simulated" or " does not exist"
    error("pktgen." .. tostring(name) .. why, 2)
  end })
end

local function new_port()
  return { rate = 100, sending = false, mode = "single", single = {}, latency = "off",
    sent = 0, received = 0, snapshot = { opackets = 0, ipackets = 0 } }
end

-- device: version of Pktgen (24 or 26); line_rate, packets/s at 100 percent; generator_rate, the most that the generator
-- makes, if less; forward(port, rate, seconds): how many packets of those sent into `port` come out at the other;
-- started(): absent, or told when a trial begins; latency(): nanoseconds that a probe took, absent where none is
-- recognized. Returns the table and the ports' state.
function pktgen_api.new(device)
  local ports = { ["0"] = new_port(), ["1"] = new_port() }
  local now_ms, sampler = 0, nil
  local api = {}

  local function send(port, ms)
    local state = ports[port]
    if not state.sending then
      return
    end
    local rate = math.min(device.line_rate * state.rate / 100, device.generator_rate or math.huge)
    local sent = math.floor(rate * ms / 1000)
    local out = ports[port == "0" and "1" or "0"]
    state.sent = state.sent + sent
    out.received = out.received + math.floor(device.forward(port, rate, ms / 1000))
    if sampler and state.latency == "on" and out.latency == "on" and device.latency then
      for _ = 1, ms // 10 do
        sampler.samples[#sampler.samples + 1] = device.latency()
      end
    end
  end

  local function snapshot()
    for _, port in ipairs({ "0", "1" }) do
      local state = ports[port]
      state.snapshot = { opackets = state.sent, ipackets = state.received }
    end
  end

  local function pass(ms)
    while ms > 0 do
      local step = math.min(ms, 1000 - now_ms % 1000)
      send("0", step)
      send("1", step)
      now_ms, ms = now_ms + step, ms - step
      if now_ms % 1000 == 0 then
        snapshot()
      end
    end
  end

  -- The action gets the arguments; with ports first, it is called for each with the port's state in their place.
  local function method(name, checks, action)
    api[name] = function(...)
      local arguments = table.pack(...)
      checked(name, arguments, checks)
      if checks[1] ~= "port" then
        return action(...)
      end
      for port in each(arguments[1]) do
        action(ports[port], table.unpack(arguments, 2))
      end
    end
  end

  method("quit", {}, function() ports.has_quit = true end)
  method("screen", { "state" }, function() end)
  method("delay", { "integer" }, pass)
  method("start", { "port" }, function(port)
    port.sending = port.rate > 0
    if device.started then
      device.started()
    end
  end)
  method("stop", { "port" }, function(port) port.sending = false end)
  method("set", { "port", "string", "number" }, function(port, what, value)
    if not SETTINGS[what] then
      error("pktgen.set does not support " .. what, 3)
    end
    if what == "rate" then
      port.rate = value == 0 and 0.01 or math.min(value, 100)
    elseif check.integer(value) then
      error("pktgen.set: " .. what .. " is no integer", 3)
    elseif what == "seq_cnt" then
      port.mode = value > 0 and "sequence" or "single"
    else
      port.single[what] = value
    end
  end)
  method("set_mac", { "port", "string", "mac" }, function(port, side, mac)
    assert(side == "dst" or side == "src", "pktgen.set_mac: neither dst nor src")
    port.single[side .. "_mac"] = mac
  end)
  method("set_type", { "port", "family" }, function(port, family) port.single.family = family end)
  method("set_proto", { "port", "string" }, function(port, protocol) port.single.protocol = protocol end)
  api.set_ipaddr = function(...)
    local side = select(2, ...)
    assert(side == "dst" or side == "src", "pktgen.set_ipaddr: neither dst nor src")
    checked("set_ipaddr", table.pack(...), { "port", "string", side == "src" and "prefix" or "address" })
    for port in each((...)) do
      ports[port].single[side] = select(3, ...)
    end
  end
  method("pcap", { "port", "state" }, function(port, state)
    port.mode, port.rate = state == "on" and "pcap" or "single", 0
  end)
  method("set_range", { "port", "state" }, function(port, state) port.mode = state == "on" and "range" or "single" end)
  api.latency = function(...)
    local arguments = table.pack(...)
    if arguments.n == 3 then
      checked("latency", arguments, { "port", "string", "integer" })
      assert(arguments[2] == "rate" or arguments[2] == "entropy", "pktgen.latency: neither rate nor entropy")
      return
    end
    checked("latency", arguments, { "port", "state" })
    for port in each(arguments[1]) do
      ports[port].latency = arguments[2]
    end
  end
  local sampler_file
  method("latsampler_params", { "port", "string", "integer", "integer", "string" }, function(_, kind, _, rate, path)
    assert(kind == "simple" or kind == "poisson", "pktgen.latsampler_params: neither simple nor poisson")
    assert(rate > 0 and not sampler, "pktgen.latsampler_params: no rate, or the sampler runs")
    sampler_file = path
  end)
  method("latsampler", { "port", "state" }, function(_, state)
    if state == "on" then
      sampler = { samples = {} }
      return
    end
    local file = assert(io.open(sampler_file, "w"))
    file:write("Latency\n", table.concat(sampler.samples, "\n"), "\n")
    file:close()
    sampler = nil
  end)

  local function statistics(list, shape)
    local found, n = {}, 0
    for port in each(list) do
      found[tonumber(port)], n = shape(ports[port].snapshot), n + 1
    end
    found.n = n
    return found
  end
  api.portStats = function(...)
    if device.version < 26 then
      checked("portStats", table.pack(...), { "port", "string" })
      return statistics((...), function(counters) return counters end)
    end
    checked("portStats", table.pack(...), { "port" })
    return statistics((...), function(counters) return { curr = counters } end)
  end

  return strict(device.version < 26 and FUNCTIONS_UNTIL_25 or FUNCTIONS_FROM_26, api), ports
end

return pktgen_api
