-- How long a packet takes through the device, while it forwards at a given rate.
--
-- Pktgen sends stamped probes among the traffic and notes in a file how long those took that come back. It recognizes
-- them by their payload, so this works for plain forwarding only: a sealed probe does not look like one. Probes are
-- IPv4, with the addresses of the sending port's single packet.
local latency = {}

local SAMPLES = 10000
local PROBE_MICROSECONDS = 1000

-- The value below which `fraction` of the sorted list lies.
local function quantile(sorted, fraction)
  return sorted[math.max(1, math.ceil(fraction * #sorted))]
end

local function read_samples(path)
  local samples = {}
  for line in io.lines(path) do
    samples[#samples + 1] = tonumber(line)  -- the heading is no number
  end
  table.sort(samples)
  return samples
end

-- One trial at `rate` packets/s. Returns { samples =, min_ns =, median_ns =, p99_ns =, max_ns =, offered =, loss = }.
function latency.measure(generator, stream, rate, seconds, path)
  pktgen.latsampler_params(stream.receive, "simple", SAMPLES, math.ceil(SAMPLES / seconds), path)
  for _, port in ipairs({ stream.send, stream.receive }) do
    pktgen.latency(port, "rate", PROBE_MICROSECONDS)
    pktgen.latency(port, "on")
  end
  pktgen.latsampler(stream.receive, "on")
  local trial = generator:offer(rate, seconds)
  pktgen.latsampler(stream.receive, "off")
  for _, port in ipairs({ stream.send, stream.receive }) do
    pktgen.latency(port, "off")
  end

  local samples = read_samples(path)
  if #samples == 0 then
    error("no probe came back", 0)
  end
  return {
    samples = #samples, min_ns = samples[1], median_ns = quantile(samples, 0.5), p99_ns = quantile(samples, 0.99),
    max_ns = samples[#samples], offered = trial.offered, loss = trial.loss,
  }
end

return latency
