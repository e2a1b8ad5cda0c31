# What a scenario's words mean. In: one entry of scenarios.json. Out: the same with every default filled in, and
#   .tunnel      what Sekisho's tunnel has besides what lab/sekisho.sh writes; what is null it does not have
#   .swanctl     what swanctl.conf has besides what lab/strongswan.sh writes: {connection, local, remote, child, secrets}
#   .suite       the ESP suite in use, as Sekisho prints it
#   .proof       what each end proves itself by, as the log of strongSwan begins to call it
#   .proposed    the proposals in use, as strongSwan prints them: {ike, esp}

# Names of algorithms: ours -> strongSwan's.
def strongswan_name:
  { aes128gcm16: "AES_GCM_16-128", aes256gcm16: "AES_GCM_16-256", chacha20poly1305: "CHACHA20_POLY1305",
    aes128: "AES_CBC-128", aes256: "AES_CBC-256", "3des": "3DES_CBC",
    sha1: "HMAC_SHA1_96", sha256: "HMAC_SHA2_256_128", sha384: "HMAC_SHA2_384_192", sha512: "HMAC_SHA2_512_256",
    prfsha256: "PRF_HMAC_SHA2_256", prfsha384: "PRF_HMAC_SHA2_384", prfsha512: "PRF_HMAC_SHA2_512",
    x25519: "CURVE_25519", ecp256: "ECP_256", ecp384: "ECP_384", modp1024: "MODP_1024", modp1536: "MODP_1536",
    modp2048: "MODP_2048", modp3072: "MODP_3072", modp4096: "MODP_4096" }[.] // error("unknown algorithm \(.)");

# Where an integrity algorithm stands in an IKE proposal, the PRF follows it.
def ike_name: [split("-")[] | strongswan_name, (select(test("^sha")) | { sha1: "PRF_HMAC_SHA1" }[.] // ("prf" + . | strongswan_name))] | join("/");

# The first child SA of IKEv2 has no key exchange of its own.
def esp_name($version): [split("-")[] | select($version == "v1" or (test("^(modp|ecp|x25519)") | not)) | strongswan_name] | join("/");

# How each end proves who it is: "psk", or the type of its certificates (lab/pki.sh), of which it sends .chain.
def sekisho_shows: if . == "psk" then {} else { auth: "certificate", certificate: "\(.).pem", private_key: "\(.).key" } end;
def sekisho_demands: if . == "psk" then {} else { auth: "certificate", authorities: ["\(.)-root.pem"] } end;
def strongswan_shows: if . == "psk" then {} else { auth: "pubkey", certs: "\(.).pem" } end;
def strongswan_demands: if . == "psk" then {} else { auth: "pubkey", cacerts: "\(.)-root.pem" } end;

def proof: { psk: "pre-shared key", rsa: "RSA_EMSA_", ecdsa: "ECDSA", ed25519: "ED25519" }[.];

def legacy: test("sha1|modp1024|modp1536|3des");

{ peer: "6.0.1", network: "direct", version: "v2", initiators: ["strongswan", "sekisho"], sekisho: {}, strongswan: {},
    ids: { sekisho: "a.lab", strongswan: "b.lab" }, psk: "swordfish-in-the-lab", auth: "psk", chain: 2, first: [], then: [], ike: "aes128gcm16-prfsha256-x25519", esp: "aes128gcm16" } * .
# A quick mode is for one pair of selectors.
| if .version == "v1" then
    .sekisho = { selectors: { local: ["10.1.0.0/24"], remote: ["10.2.0.0/24"] } } * .sekisho
    | .strongswan = { child: { local_ts: "10.2.0.0/24", remote_ts: "10.1.0.0/24" } } * .strongswan
  else . end
| .auth |= if type == "string" then { sekisho: ., strongswan: . } else . end
| .proof = (.auth | map_values(proof)) + .proof
| .chain as $chain
| .certificates = (.auth | map_values(if . == "psk" then . else "\(.)-\($chain)" end))
| .tunnel = (({
    ike: { version: .version, proposals: [.ike] },
    esp: { proposals: [.esp] },
    profile: (if .ike | legacy then "legacy" else "modern" end),
    start: "respond",
    local: ({ id: .ids.sekisho } + (.certificates.sekisho | sekisho_shows)),
    remote: ({ id: .ids.strongswan } + (.certificates.strongswan | sekisho_demands))
  } + (if .auth | any(. == "psk") then {} else { psk_file: null } end)) * .sekisho)
| .swanctl = ({
    connection: { version: (.version | ltrimstr("v")), proposals: .ike },
    local: (.certificates.strongswan | strongswan_shows),
    remote: (.certificates.sekisho | strongswan_demands),
    child: { esp_proposals: .esp }
  } * .strongswan)
| .suite = (.esp | sub("-(modp|ecp|x25519).*"; ""))
| .proposed = { ike: ((.ike | ike_name) + if .strongswan.connection.ppk_id then "/PPK" else "" end), esp: (.version as $version | .esp | esp_name($version)) }
