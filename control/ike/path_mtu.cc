#include "control/ike/path_mtu.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/esp_size.h"

namespace sekisho::ike {
namespace {

constexpr uint16_t ipv4_base = 576;  // what every host takes (RFC 1122 section 3.3.3)
constexpr uint32_t largest_probe = 9000;
// Of Ethernet, PPPoE, and what tunnels and access networks leave of them.
constexpr std::array<uint16_t, 13> usual_mtus = {1280, 1300, 1350, 1380, 1400, 1420, 1438,
                                                 1450, 1454, 1460, 1480, 1492, 1500};

bool is_usual(uint16_t size) { return std::ranges::binary_search(usual_mtus, size); }

}  // namespace

uint16_t PathMtu::upper() const { return static_cast<uint16_t>(std::min(path_->way.mtu, largest_probe)); }
uint16_t PathMtu::base() const { return path_->remote.address.is_v4() ? ipv4_base : least_ipv6_mtu; }

void PathMtu::follow(const Path& path, const Fit& fit, Instant now) {
  if (path_ == path) return;
  if (path_ && path_->remote.address != path.remote.address) found_.reset();
  path_ = path;
  other_path_ = true;
  begin(0, fit, now + settling_time);
}

std::optional<uint16_t> PathMtu::next(const Fit& fit, Instant now) {
  if (!due_ || now < *due_) return {};
  if (!searching_ && now >= raise_at_) {
    raise_at_ = now + raise_interval;
    const uint16_t known = found_ ? fit(found_->mtu) : 0;
    if (fit(upper()) > known) begin(known, fit, now);
  }
  if (!searching_ && !found_) {
    due_ = raise_at_;
    return {};
  }
  // With other keys there may be another cipher, whose probes have other sizes.
  if (!searching_)
    size_ = fit(found_->mtu);
  else if (fit(size_) != size_)
    proceed(fit, now);
  if (now < *due_) return {};
  return size_;
}

Duration PathMtu::patience(Duration longest) const { return longest / (1U << (max_probes - 1 - failures_)); }

void PathMtu::answered(const Fit& fit, Instant now) {
  failures_ = 0;
  proven_ = now;
  if (searching_) {
    low_ = size_;
    return proceed(fit, now);
  }
  found_->proven = now;
  due_ = now + confirm_interval;
}

void PathMtu::failed(const Fit& fit, Instant now) {
  due_ = now;
  if (++failures_ < max_probes) return;
  high_ = size_;
  if (!std::exchange(searching_, true)) low_ = 0;
  proceed(fit, now);
}

std::optional<PathMtu::Conclusion> PathMtu::take_conclusion() {
  if (!std::exchange(concluded_, false)) return {};
  Conclusion conclusion;
  if (found_) conclusion.mtu = found_->mtu;
  const std::optional<uint16_t> before = std::exchange(told_, conclusion.mtu);
  conclusion.news = conclusion.mtu && *conclusion.mtu != before.value_or(upper());
  return conclusion;
}

void PathMtu::begin(uint16_t proven, const Fit& fit, Instant at) {
  searching_ = true;
  low_ = proven;
  high_ = static_cast<uint16_t>(upper() + 1);
  proceed(fit, at);
}

void PathMtu::proceed(const Fit& fit, Instant at) {
  failures_ = 0;
  due_ = at;
  size_ = choose(fit);
  if (size_ <= low_ || size_ >= high_) settle(fit, at);
}

// A size that lies between low_ and high_, unless there is none to be asked for.
uint16_t PathMtu::choose(const Fit& fit) const {
  if (high_ > upper()) return fit(upper());
  if (low_ == 0) return fit(base());
  std::vector<uint16_t> usual;
  for (const uint16_t mtu : usual_mtus)
    if (const uint16_t size = fit(mtu); size > low_ && size < high_) usual.push_back(size);
  if (!usual.empty()) return usual[(usual.size() - 1) / 2];  // a size too many costs more than one too few
  if (is_usual(low_))
    if (const uint16_t size = fit(static_cast<uint16_t>(low_ + 1)); size > low_) return size;  // then that is it
  if (const uint16_t size = fit(static_cast<uint16_t>((low_ + high_) / 2)); size > low_) return size;
  return fit(static_cast<uint16_t>(high_ - 1));
}

uint16_t PathMtu::stands_for(uint16_t size, const Fit& fit) const {
  const auto hidden = [&](uint16_t mtu) { return mtu >= size && mtu < upper(); };
  return size == fit(upper()) && std::ranges::none_of(usual_mtus, hidden) ? upper() : size;
}

void PathMtu::settle(const Fit& fit, Instant now) {
  searching_ = false;
  concluded_ = true;
  if (low_ != 0)
    found_ = Found{stands_for(low_, fit), proven_};
  else if (other_path_)
    found_.reset();
  other_path_ = false;
  raise_at_ = now + raise_interval;
  due_ = found_ ? now + confirm_interval : raise_at_;
}

}  // namespace sekisho::ike
