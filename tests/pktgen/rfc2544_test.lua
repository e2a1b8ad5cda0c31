-- Runs pktgen-scenarios/lua/rfc2544.lua, as Pktgen would, against simulated devices (pktgen_api.lua).
--
--   lua5.4 rfc2544_test.lua FOLDER-OF-THE-SCRIPTS FOLDER-OF-THIS-FILE
local scripts, here = ...
package.path = here .. "/?.lua;" .. package.path
local pktgen_api = require("pktgen_api")

local LINE_RATE = 14.88e6
local RESOLUTION = 0.005
local own_modules = { "generator", "latency", "report", "search", "traffic.single", "traffic.pcap" }

local FLOW = { send = "0", receive = "1", profile = "single", destination_mac = "02:00:00:00:00:01",
  source_mac = "02:00:00:00:00:02", family = "ipv4", destination = "10.1.0.1", source = "10.2.0.1/32",
  destination_port = 9, source_port = 1024, size = 64 }

-- A new table: `base` with some fields replaced or added.
local function with(base, changes)
  local both = {}
  for _, part in ipairs({ base, changes }) do
    for key, value in pairs(part) do
      both[key] = value
    end
  end
  return both
end

-- A report line's flat JSON object as a table.
local function parse(line)
  local fields = {}
  for key, value in line:gmatch('"([%w_]+)": ("?[^",}]*)') do
    fields[key] = value:sub(1, 1) == '"' and value:sub(2) or tonumber(value)
  end
  return fields
end

-- Runs the script against the device, with a copy of the run. Returns the report's lines by kind, and the ports' state.
local function measure(device, run)
  local report, run_file, samples = os.tmpname(), os.tmpname(), os.tmpname()
  local api, ports = pktgen_api.new(device)
  run = with(run, { report = report, latency = run.latency and with(run.latency, { samples = samples }) })
  _G.pktgen = api
  for _, name in ipairs(own_modules) do
    package.loaded[name] = nil
  end
  local getenv, dofile_ = os.getenv, dofile
  os.getenv = function(name)
    return ({ SEKISHO_PKTGEN_LUA = scripts, SEKISHO_PKTGEN_RUN = run_file })[name]
  end
  _G.dofile = function(path)
    assert(path == run_file)
    return run
  end
  local ran, failure = pcall(dofile_, scripts .. "/rfc2544.lua")
  os.getenv, _G.dofile = getenv, dofile_
  assert(ran, failure)
  assert(ports.has_quit, "the script ended without pktgen.quit()")

  local lines = {}
  for line in io.lines(report) do
    local fields = parse(line)
    lines[fields.kind] = lines[fields.kind] or {}
    table.insert(lines[fields.kind], fields)
  end
  os.remove(report)
  os.remove(run_file)
  os.remove(samples)
  return lines, ports
end

local function run_of(streams, changes)
  return with({ streams = streams, loss_limits = { 1e-5, 0 },
    search = { seconds = 10, confirm_seconds = 60, resolution = RESOLUTION, attempts = 3 } }, changes or {})
end

local function device_of(capacity, changes)
  return with({ version = 24, line_rate = LINE_RATE, forward = function(_, rate, seconds)
    return math.floor(math.min(rate, capacity) * seconds)
  end }, changes or {})
end
-- One that now and then, as real ones do, drops some packets for no reason.
local function noisy(capacity)
  return device_of(capacity, { forward = function(_, rate, seconds)
    -- A drop in every hundredth second: a trial of ten seconds is spoilt one time in ten.
    local dropped = math.random() < seconds / 100 and math.random(50) or 0
    return math.floor(rate * seconds) - math.max(0, math.floor((rate - capacity) * seconds)) - dropped
  end })
end

local function near(found, wanted, what)
  assert(found <= wanted * 1.000001 and found >= wanted * (1 - 2 * RESOLUTION),
    string.format("%s: found %.0f packets/s, the device does %.0f", what, found, wanted))
end

local function expect_error(fragment, call, ...)
  local ran, failure = pcall(call, ...)
  assert(not ran, "no error, though '" .. fragment .. "' was expected")
  assert(tostring(failure):find(fragment, 1, true), "the error is another: " .. tostring(failure))
end

local tests = {}

function tests.finds_the_capacity()
  for _, version in ipairs({ 24, 26 }) do
    for _, capacity in ipairs({ 0.31e6, 2.13e6, 5.9e6, 9.99e6, 14.2e6 }) do
      local lines = measure(device_of(capacity, { version = version }), run_of({ FLOW }))
      assert(#lines.throughput == 2 and lines["end"])
      for _, found in ipairs(lines.throughput) do
        near(found.rate, capacity, "loss " .. found.loss_limit)
        assert(found.limited_by == "device")
      end
    end
  end
end

function tests.finds_the_capacity_through_noise()
  for seed = 1, 20 do
    math.randomseed(seed)
    for _, capacity in ipairs({ 0.5e6, 3.7e6, 8.8e6 }) do
      local run = run_of({ FLOW })
      -- Sixty seconds without a drop are rare with such a device.
      run.search = with(run.search, { confirm_seconds = 10 })
      for _, found in ipairs(measure(noisy(capacity), run).throughput) do
        near(found.rate, capacity, "seed " .. seed .. ", loss " .. found.loss_limit)
      end
    end
  end
end

function tests.tells_the_generators_limit_from_the_devices()
  local lines = measure(device_of(50e6), run_of({ FLOW }))
  assert(lines.throughput[1].limited_by == "generator")
  near(lines.throughput[1].rate, LINE_RATE, "line rate")
  -- A generator that cannot fill the line.
  lines = measure(device_of(50e6, { generator_rate = 9e6 }), run_of({ FLOW }))
  assert(lines.throughput[1].limited_by == "generator")
  near(lines.throughput[1].rate, 9e6, "the generator's rate")
  near(measure(device_of(4e6, { generator_rate = 9e6 }), run_of({ FLOW })).throughput[2].rate, 4e6, "capacity")
end

function tests.tells_the_limits_of_loss_apart()
  -- Above 4 Mpps one packet in a million is lost, above 6 Mpps many.
  local device = device_of(6e6, { forward = function(_, rate, seconds)
    local sent = math.floor(rate * seconds)
    return rate > 6e6 and 6e6 * seconds or rate > 4e6 and sent - math.ceil(sent / 1e6) or sent
  end })
  local lines = measure(device, run_of({ FLOW }))
  near(lines.throughput[1].rate, 6e6, "1e-5")
  near(lines.throughput[2].rate, 4e6, "0")
end

function tests.counts_the_worse_of_two_directions()
  local back = with(FLOW, { send = "1", receive = "0", profile = "pcap" })
  for _, slower in ipairs({ "0", "1" }) do
    local device = device_of(0, { forward = function(port, rate, seconds)
      return math.min(rate, port == slower and 3e6 or 7e6) * seconds
    end })
    near(measure(device, run_of({ FLOW, back })).throughput[1].rate, 6e6, "both directions together")
  end
end

function tests.takes_back_what_the_longer_trial_refutes()
  -- A device that hides what is too much for it in a buffer of a million packets: at 4.1 Mpps for ten seconds.
  local filled = 0
  local device = device_of(4e6, { started = function() filled = 0 end, forward = function(_, rate, seconds)
    filled = filled + (rate - 4e6) * seconds
    return filled > 1e6 and 4e6 * seconds or rate * seconds
  end })
  for _, found in ipairs(measure(device, run_of({ FLOW })).throughput) do
    near(found.rate, 4e6 + 1e6 / 60, "a minute's rate")
  end
end

function tests.says_what_is_wrong()
  local function failure(device)
    return measure(device, run_of({ FLOW })).error[1].text
  end
  assert(failure(device_of(0)):find("nothing came back"))
  assert(failure(device_of(1e6, { line_rate = 0 })):find("sent nothing"))
  assert(failure(device_of(1e6, { forward = function(_, rate, seconds) return rate * seconds * 2 end }))
    :find("received more than was sent"))
  -- Nine of ten packets come through, whatever the rate.
  assert(failure(device_of(1e6, { forward = function(_, rate, seconds) return rate * seconds * 0.9 end }))
    :find("whatever the rate"))
end

function tests.measures_latency()
  local next_sample = 0
  local device = device_of(5e6, { latency = function()
    next_sample = next_sample % 100 + 1
    return next_sample * 1000
  end })
  local lines = measure(device, run_of({ FLOW }, { latency = { shares = { 0.5, 0.9 }, seconds = 10 } }))
  assert(#lines.latency == 2)
  for i, share in ipairs({ 0.5, 0.9 }) do
    local seen = lines.latency[i]
    assert(seen.share == share and seen.min_ns == 1000 and seen.max_ns == 100000)
    assert(seen.median_ns == 50000 and seen.p99_ns == 99000)
    near(seen.offered, share * lines.throughput[2].rate, "the rate of the latency's trial")
  end
  lines = measure(device_of(5e6), run_of({ FLOW }, { latency = { shares = { 0.5 }, seconds = 10 } }))
  assert(lines.error[1].text:find("no probe came back"))
end

function tests.sets_up_each_profile()
  local _, ports = measure(device_of(5e6), run_of({ FLOW }))
  local single = ports["0"].single
  assert(ports["0"].mode == "single" and single.size == 68 and single.family == "ipv4" and single.src == "10.2.0.1/32")
  assert(single.dst_mac == "02:00:00:00:00:01" and single.dport == 9 and single.count == 0)

  _, ports = measure(device_of(5e6), run_of({ with(FLOW, { profile = "pcap" }) }))
  assert(ports["0"].mode == "pcap" and ports["0"].sent > 0)
end

-- The stand-in itself: what the real table does not have or does not take.
function tests.the_stand_in_is_strict()
  for _, version in ipairs({ 24, 26 }) do
    local api = pktgen_api.new(device_of(1e6, { version = version }))
    expect_error("does not exist", function() api.send("0") end)
    expect_error("is not simulated", function() api.ping4("0") end)
    expect_error("arguments instead of", api.start)
    expect_error("no list of ports", api.start, 0)
    expect_error("no integer", api.delay, 0.5)
    expect_error("does not support", api.set, "0", "speed", 1)
    expect_error("no MAC address", api.set_mac, "0", "dst", "10.0.0.1")
    expect_error("arguments instead of", api.portStats, table.unpack(version < 26 and { "0" } or { "0", "port" }))
  end
end

local names = {}
for name in pairs(tests) do
  names[#names + 1] = name
end
table.sort(names)
for _, name in ipairs(names) do
  tests[name]()
  print("ok", name)
end
