-- Trials with Pktgen: set it up for the streams of a run, send for some seconds, count what came back.
--
-- Written for Pktgen-DPDK 24.10 to 26.02. Its counters are a snapshot that it takes once a second, so they are read when
-- they have come to rest; and differences are used, never `pktgen.clear`, which races with that snapshot.
local generator = {}

local SNAPSHOT_MS = 1200  -- a little more than Pktgen's own period
local MOST_SNAPSHOTS = 10
-- For the first trial: enough to be seen at once, too little to be lost anywhere.
local FIRST_PERCENT, FIRST_SECONDS = 1, 2

-- From 26.02 on there is one table of counters for everything; before, one asked for a kind, and pktStats existed.
local function port_counters(port)
  if pktgen.pktStats then
    return pktgen.portStats(port, "port")[tonumber(port)]
  end
  return pktgen.portStats(port)[tonumber(port)].curr
end

local function count(streams)
  local counted = {}
  for i, stream in ipairs(streams) do
    counted[i] = { sent = port_counters(stream.send).opackets, received = port_counters(stream.receive).ipackets }
  end
  return counted
end

local function at_rest(before, after)
  for i, counters in ipairs(before) do
    if counters.sent ~= after[i].sent or counters.received ~= after[i].received then
      return false
    end
  end
  return true
end

-- The counters once nothing is under way any more.
local function settled(streams)
  local before = count(streams)
  for _ = 1, MOST_SNAPSHOTS do
    pktgen.delay(SNAPSHOT_MS)
    local after = count(streams)
    if at_rest(before, after) then
      return after
    end
    before = after
  end
  error("the ports' counters do not come to rest: something else sends on these links", 0)
end

local Generator = {}
Generator.__index = Generator

local function ports(streams)
  local listed = {}
  for _, stream in ipairs(streams) do
    listed[#listed + 1] = stream.send
  end
  return table.concat(listed, ",")
end

-- One trial at `percent` of the link. offered: packets/s of all streams; loss: of the worst stream, as a fraction.
function Generator:run(percent, seconds)
  local before = settled(self.streams)
  pktgen.set(self.ports, "rate", percent)
  pktgen.start(self.ports)
  pktgen.delay(math.floor(seconds * 1000))
  pktgen.stop(self.ports)
  local after = settled(self.streams)

  local trial = { percent = percent, seconds = seconds, sent = 0, received = 0, loss = 0 }
  for i in ipairs(self.streams) do
    local sent, received = after[i].sent - before[i].sent, after[i].received - before[i].received
    if received > sent then
      error("port " .. self.streams[i].receive .. " received more than was sent: something else sends on that link", 0)
    end
    trial.sent, trial.received = trial.sent + sent, trial.received + received
    trial.loss = math.max(trial.loss, sent > 0 and (sent - received) / sent or 1)
  end
  trial.offered = trial.sent / seconds
  return trial
end

-- One trial at `rate` packets/s of all streams together.
function Generator:offer(rate, seconds)
  return self:run(math.min(100, rate / self.rate_per_percent), seconds)
end

-- Sets the ports up. streams: a list of { send = port, receive = port, profile = name of a file in traffic/, ... }; the
-- rest of the fields is the profile's.
function generator.new(streams)
  pktgen.screen("off")
  for _, stream in ipairs(streams) do
    pktgen.set(stream.send, "count", 0)  -- until it is stopped
    require("traffic." .. stream.profile)(stream.send, stream)
  end
  local self = setmetatable({ streams = streams, ports = ports(streams) }, Generator)
  local first = self:run(FIRST_PERCENT, FIRST_SECONDS)
  if first.sent == 0 then
    error("Pktgen sent nothing: is the link up?", 0)
  end
  if first.received == 0 then
    error("nothing came back: the frames' addresses are not the device's, or it forwards nothing", 0)
  end
  self.rate_per_percent = first.offered / FIRST_PERCENT
  self.maximum = 100 * self.rate_per_percent
  return self
end

return generator
