-- One flow, one size. flow: destination_mac, source_mac, family ("ipv4" or "ipv6"), destination, source (with prefix
-- length), destination_port, source_port, size of the frame without FCS.
local FCS = 4  -- Pktgen's sizes include it

return function(port, flow)
  pktgen.set_range(port, "off")
  pktgen.set(port, "seq_cnt", 0)
  pktgen.set_type(port, flow.family)
  pktgen.set_proto(port, "udp")
  pktgen.set_mac(port, "dst", flow.destination_mac)
  pktgen.set_mac(port, "src", flow.source_mac)
  pktgen.set_ipaddr(port, "dst", flow.destination)
  pktgen.set_ipaddr(port, "src", flow.source)
  pktgen.set(port, "dport", flow.destination_port)
  pktgen.set(port, "sport", flow.source_port)
  pktgen.set(port, "size", flow.size + FCS)
end
