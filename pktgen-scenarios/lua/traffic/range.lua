-- Many destinations in turn: tunnels or routes. flow: as in single.lua, and last_destination, step (an address: what is
-- added from one destination to the next). Pktgen lays the packets out beforehand, so that there are at most as many
-- destinations as its pool has buffers.
local FCS = 4

return function(port, flow)
  require("traffic.single")(port, flow)
  local range = pktgen.range
  range.set_type(port, flow.family)
  range.ip_proto(port, "udp")
  range.dst_mac(port, "start", flow.destination_mac)
  range.src_mac(port, "start", flow.source_mac)
  range.dst_ip(port, "start", flow.destination)
  range.dst_ip(port, "min", flow.destination)
  range.dst_ip(port, "max", flow.last_destination)
  range.dst_ip(port, "inc", flow.step)
  local source = flow.source:gsub("/%d+$", "")
  for _, edge in ipairs({ "start", "min", "max" }) do
    range.src_ip(port, edge, source)
    range.src_port(port, edge, flow.source_port)
    range.dst_port(port, edge, flow.destination_port)
    range.pkt_size(port, edge, flow.size + FCS)
  end
  range.src_ip(port, "inc", flow.family == "ipv4" and "0.0.0.0" or "::")
  range.src_port(port, "inc", 0)
  range.dst_port(port, "inc", 0)
  range.pkt_size(port, "inc", 0)
  pktgen.set_range(port, "on")
end
