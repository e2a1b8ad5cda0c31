#include "crypto/ike/distinguished_name.h"

#include <openssl/x509.h>

#include <algorithm>

#include "crypto/openssl.h"

namespace sekisho::crypto {
namespace {

using NamePtr = std::unique_ptr<X509_NAME, OpensslDeleter<X509_NAME_free>>;
using BioPtr = std::unique_ptr<BIO, OpensslDeleter<BIO_free>>;

constexpr size_t longest_text = 256;  // a peer's name is any length; what goes into a log is not

struct Attribute {
  std::string type, value;
};

// Reads attributes one after the other off the front of the text.
class NameReader {
 public:
  explicit NameReader(std::string_view text) : text_(text) {}

  bool at_end() const { return text_.empty(); }
  std::optional<Attribute> next() {
    const size_t equals = text_.find('=');
    if (equals == std::string_view::npos) return {};
    Attribute attribute{std::string(trimmed(text_.substr(0, equals))), {}};
    text_.remove_prefix(equals + 1);
    while (!text_.empty() && text_.front() == ' ') text_.remove_prefix(1);
    const bool good = !text_.empty() && text_.front() == '"' ? quoted(attribute.value) : plain(attribute.value);
    if (!good || attribute.type.empty() || attribute.value.empty()) return {};
    return attribute;
  }

 private:
  static std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
  }
  char take() {
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }
  // Behind a backslash: a special character, or two hexadecimal digits of an octet.
  bool escaped(std::string& value) {
    static constexpr std::string_view digits = "0123456789abcdefABCDEF";
    if (text_.empty()) return false;
    if (text_.size() >= 2 && digits.contains(text_[0]) && digits.contains(text_[1])) {
      value += static_cast<char>(std::stoi(std::string(text_.substr(0, 2)), nullptr, 16));
      text_.remove_prefix(2);
      return true;
    }
    value += take();
    return true;
  }
  bool quoted(std::string& value) {
    take();
    while (!text_.empty() && text_.front() != '"') {
      const char c = take();
      if (c != '\\')
        value += c;
      else if (!escaped(value))
        return false;
    }
    if (text_.empty()) return false;
    take();
    return separator();
  }
  bool plain(std::string& value) {
    size_t kept = 0;  // spaces at the end count only where they are escaped
    while (!text_.empty() && text_.front() != ',') {
      const char c = take();
      if (c == '+' || c == '"' || c == ';' || c == '<' || c == '>') return false;
      if (c == '\\') {
        if (!escaped(value)) return false;
        kept = value.size();
      } else {
        value += c;
        if (c != ' ') kept = value.size();
      }
    }
    value.resize(kept);
    return separator();
  }
  // A comma, and something behind it; or the end.
  bool separator() {
    while (!text_.empty() && text_.front() == ' ') text_.remove_prefix(1);
    if (text_.empty()) return true;
    return take() == ',' && !text_.empty();
  }

  std::string_view text_;
};

std::optional<Bytes> to_der(const X509_NAME* name) {
  const int length = i2d_X509_NAME(name, nullptr);
  if (length < 0) return {};
  Bytes der(static_cast<size_t>(length));
  uint8_t* at = der.data();
  i2d_X509_NAME(name, &at);
  return der;
}

NamePtr from_der(ByteView der) {
  const uint8_t* at = der.data();
  NamePtr name(d2i_X509_NAME(nullptr, &at, static_cast<long>(der.size())));
  if (at != der.data() + der.size()) name.reset();
  return name;
}

}  // namespace

std::optional<Bytes> encode_distinguished_name(std::string_view text) {
  const NamePtr name(require(X509_NAME_new(), "X509 name"));
  NameReader reader(text);
  do {
    const auto attribute = reader.next();
    if (!attribute) return {};
    if (X509_NAME_add_entry_by_txt(name.get(), attribute->type.c_str(), MBSTRING_UTF8,
                                   reinterpret_cast<const uint8_t*>(attribute->value.data()),
                                   static_cast<int>(attribute->value.size()), -1, 0) != 1)
      return {};
  } while (!reader.at_end());
  return to_der(name.get());
}

std::optional<std::string> distinguished_name_text(ByteView der) {
  const NamePtr name = from_der(der);
  if (!name) return {};
  return distinguished_name_text(name.get());
}

std::string distinguished_name_text(const X509_NAME* name) {
  const BioPtr bio(require(BIO_new(BIO_s_mem()), "BIO"));
  constexpr unsigned long form = ASN1_STRFLGS_RFC2253 | XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN;
  if (X509_NAME_print_ex(bio.get(), name, 0, form) < 0) return "a name that cannot be printed";
  char* text = nullptr;
  const auto length = static_cast<size_t>(BIO_get_mem_data(bio.get(), &text));
  return std::string(text, std::min(length, longest_text)) + (length > longest_text ? "..." : "");
}

bool same_distinguished_name(ByteView a, ByteView b) {
  const NamePtr left = from_der(a), right = from_der(b);
  return left && right && X509_NAME_cmp(left.get(), right.get()) == 0;
}

std::optional<uint32_t> distinguished_name_hash(ByteView der) {
  const NamePtr name = from_der(der);
  int done = 0;
  const unsigned long hash = name ? X509_NAME_hash_ex(name.get(), nullptr, nullptr, &done) : 0;
  if (done != 1) return {};
  return static_cast<uint32_t>(hash);
}

}  // namespace sekisho::crypto
