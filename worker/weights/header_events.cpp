// What each event of a header's JSON may be, and where.
#include "worker/weights/header_events.hpp"

namespace penstock::worker {

namespace {

constexpr std::string_view metadata_name = "__metadata__";

void append(std::string& to, header_events::view part) {
    to.append(part.data(), part.size());
}

}  // namespace

std::string header_events::subject() const {
    return place_ == place::outside ? "the header" : "tensor '" + tensor_.name + "'";
}

bool header_events::refuse(std::string why, code& ec) {
    fault = std::move(why);
    ec = boost::json::error::syntax;
    return false;
}

bool header_events::unexpected(std::string_view what, code& ec) {
    const std::string stands = " has " + std::string(what) + " where ";
    switch (place_) {
        case place::outside:
            return refuse("the header is " + std::string(what) + ", not an object", ec);
        case place::top:
            return refuse(
                "'" + key_ + "' is " + std::string(what) + ", not the object of a tensor", ec
            );
        case place::metadata:
            return refuse("__metadata__" + stands + "a text belongs", ec);
        case place::tensor: {
            const bool is_text = awaited_ == type_field;
            return refuse(
                subject() + stands + key_ + (is_text ? " must be a text" : " must be a list"), ec
            );
        }
        case place::shape:
        case place::offsets:
            break;
    }
    return refuse(subject() + stands + key_ + " must have whole numbers", ec);
}

bool header_events::on_object_begin(code& ec) {
    if (place_ == place::outside) {
        place_ = place::top;
        return true;
    }
    if (place_ != place::top) return unexpected("an object", ec);
    if (key_ == metadata_name) {
        place_ = place::metadata;
        return true;
    }
    place_ = place::tensor;
    tensor_ = {};
    tensor_.name = std::move(key_);
    key_.clear();
    fields_ = 0;
    return true;
}

bool header_events::on_object_end(std::size_t, code& ec) {
    if (place_ == place::tensor) {
        if (!(fields_ & type_field)) return refuse(subject() + " has no dtype", ec);
        if (!(fields_ & shape_field)) return refuse(subject() + " has no shape", ec);
        if (!(fields_ & offsets_field)) return refuse(subject() + " has no data_offsets", ec);
        tensors.push_back(std::move(tensor_));
    }
    place_ = place_ == place::top ? place::outside : place::top;
    key_.clear();
    return true;
}

bool header_events::on_array_begin(code& ec) {
    if (place_ != place::tensor || awaited_ == type_field) return unexpected("a list", ec);
    place_ = awaited_ == shape_field ? place::shape : place::offsets;
    offsets_.clear();
    return true;
}

bool header_events::on_array_end(std::size_t, code& ec) {
    const bool is_offsets = place_ == place::offsets;
    place_ = place::tensor;
    key_.clear();
    if (!is_offsets) return true;
    if (offsets_.size() != 2)
        return refuse(
            subject() + " has " + std::to_string(offsets_.size()) + " data_offsets, not 2", ec
        );
    tensor_.begin = offsets_[0];
    tensor_.end = offsets_[1];
    return true;
}

bool header_events::on_key_part(view part, std::size_t, code& ec) {
    if (place_ == place::metadata) return true;
    append(key_, part);
    if (key_.size() > tensor_name_bytes_max)
        return refuse(
            "a name is longer than " + std::to_string(tensor_name_bytes_max) + " bytes", ec
        );
    return true;
}

bool header_events::on_key(view part, std::size_t n, code& ec) {
    if (!on_key_part(part, n, ec)) return false;
    if (place_ == place::top) return named_at_top(ec);
    return place_ == place::metadata || named_in_tensor(ec);
}

bool header_events::named_at_top(code& ec) {
    if (!names_.insert(key_).second) return refuse("'" + key_ + "' stands twice", ec);
    return true;
}

bool header_events::named_in_tensor(code& ec) {
    if (key_ == "dtype")
        awaited_ = type_field;
    else if (key_ == "shape")
        awaited_ = shape_field;
    else if (key_ == "data_offsets")
        awaited_ = offsets_field;
    else
        return refuse(subject() + " has the unknown field '" + key_ + "'", ec);
    if (fields_ & awaited_) return refuse(subject() + " has two of " + key_, ec);
    fields_ |= awaited_;
    return true;
}

bool header_events::on_string_part(view part, std::size_t, code& ec) {
    if (place_ == place::metadata) return true;
    if (place_ != place::tensor || awaited_ != type_field) return unexpected("a text", ec);
    append(tensor_.type, part);
    constexpr std::size_t type_bytes_max = 32;
    if (tensor_.type.size() > type_bytes_max) return refuse(subject() + " has no such dtype", ec);
    return true;
}

bool header_events::on_string(view part, std::size_t n, code& ec) {
    if (!on_string_part(part, n, ec)) return false;
    if (place_ == place::tensor) key_.clear();
    return true;
}

bool header_events::on_int64(std::int64_t value, view, code& ec) {
    if (value < 0) return unexpected("a negative number", ec);
    return add(static_cast<std::uint64_t>(value), ec);
}

bool header_events::on_uint64(std::uint64_t value, view, code& ec) {
    return add(value, ec);
}

bool header_events::add(std::uint64_t value, code& ec) {
    if (place_ == place::shape) {
        if (tensor_.shape.size() == tensor_dimensions_max)
            return refuse(
                subject() + " has more than " + std::to_string(tensor_dimensions_max) +
                    " dimensions",
                ec
            );
        tensor_.shape.push_back(value);
        return true;
    }
    if (place_ != place::offsets) return unexpected("a number", ec);
    if (offsets_.size() == 2) return refuse(subject() + " has more than 2 data_offsets", ec);
    offsets_.push_back(value);
    return true;
}

}  // namespace penstock::worker
