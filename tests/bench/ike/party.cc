#include "tests/bench/ike/party.h"

namespace sekisho::bench {
namespace {

const IpAddress gateway = *IpAddress::parse("10.9.1.1");

IpAddress address_of(unsigned peer) { return IpAddress::v4(Be32(0x0b000001 + peer)); }

ike::Connection connection(const Suite& suite, unsigned peer, const IpAddress& local, const IpAddress& remote) {
  ike::Connection made;
  made.name = "peer" + std::to_string(peer);
  made.local = local;
  made.remote = remote;
  made.local_id = *ike::Identity::parse(local.text());
  made.remote_id = *ike::Identity::parse(remote.text());
  made.ike_proposals = {*ike::IkeProposal::parse(suite.proposal)};
  ike::ChildDefinition& child = made.children.front();
  child.name = made.name;
  child.esp_proposals = {*ike::EspProposal::parse("aes128gcm16")};
  child.local_selectors = child.remote_selectors = {TrafficSelector::from_prefix(*Prefix::parse("0.0.0.0/0"))};
  made.start = ike::StartMode::respond;
  return made;
}

testing::Credential issue(const testing::Credential& authority, const IpAddress& owner) {
  return authority.issue({.subject = "C=JP, O=Lab, CN=" + owner.text(), .alternative_names = "IP:" + owner.text()});
}

void show(const testing::Credential& credential, ike::Connection& connection) {
  connection.local_auth = {{credential.certificate()},
                           std::make_shared<const crypto::PrivateKey>(credential.private_key())};
}

}  // namespace

Connections connect(const Suite& suite, unsigned peers) {
  const testing::Credential authority = testing::root_authority(), own = issue(authority, gateway);
  const auto anchors = std::make_shared<const crypto::TrustAnchors>(
      std::vector{authority.certificate()}, std::vector<crypto::RevocationList>{}, crypto::RequireCrl::no);
  Connections made;
  for (unsigned peer = 0; peer < peers; ++peer) {
    ike::Connection ours = connection(suite, peer, gateway, address_of(peer));
    ike::Connection theirs = connection(suite, peer, address_of(peer), gateway);
    if (suite.by_certificate) {
      show(own, ours);
      show(issue(authority, address_of(peer)), theirs);
      ours.remote_auth = theirs.remote_auth = {anchors};
    } else {
      ours.psk = theirs.psk = std::make_shared<const SecretBytes>(SecretBytes::copy_of(as_bytes("swordfish")));
    }
    made.of_gateway.push_back(std::move(ours));
    made.of_peers.push_back(std::move(theirs));
  }
  return made;
}

Party::Party(std::vector<ike::Connection> connections, ike::EngineOptions options) : engine_(options, environment_) {
  for (ike::Connection& connection : connections) {
    names_.push_back(connection.name);
    engine_.step(ike::SetConnection{std::move(connection)}, Instant{});
  }
}

Datagrams Party::initiate() {
  Datagrams sent;
  for (const std::string& name : names_) step(ike::Initiate{name}, sent);
  return sent;
}

Datagrams Party::take(Datagrams messages) {
  Datagrams sent;
  for (ike::DatagramReceived& message : messages) step(std::move(message), sent);
  return sent;
}

void Party::step(ike::Event event, Datagrams& sent) {
  for (ike::Action& action : engine_.step(std::move(event), Instant{})) {
    if (auto* message = std::get_if<ike::SendDatagram>(&action))
      sent.push_back({message->remote, message->local, std::move(message->data)});
    child_sas_ += std::holds_alternative<ike::InstallChildSa>(action);
  }
  (void)engine_.next_deadline();  // the daemon's loop arms its timer after every step
}

}  // namespace sekisho::bench
