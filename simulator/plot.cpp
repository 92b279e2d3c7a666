// Lines over an axis.
#include "simulator/plot.hpp"

#include "simulator/glyphs.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace penstock::simulator {
namespace {

constexpr int width = 960, panel_height = 360, dot = 2;
constexpr int left = 80, right = 260, top = 40, bottom = 56;
constexpr int letter = 4 * dot, line_height = 8 * dot;

constexpr color paper{255, 255, 255}, ink{40, 40, 40}, grid{225, 225, 225};
constexpr color palette[] = {
    {200, 30, 40},
    {30, 90, 190},
    {30, 140, 70},
    {220, 130, 20},
    {130, 60, 170},
    {20, 150, 160},
    {120, 120, 120},
    {190, 60, 140}
};

void write(picture& p, int x, int y, const std::string& text, color with) {
    for (const char c : text) {
        const unsigned glyph = glyph_of(c);
        for (int row = 0; row < 5; ++row)
            for (int column = 0; column < 3; ++column)
                if (glyph >> (3 * (4 - row) + (2 - column)) & 1)
                    for (int i = 0; i < dot * dot; ++i)
                        p.set(x + column * dot + i % dot, y + row * dot + i / dot, with);
        x += letter;
    }
}

void stroke(picture& p, int x0, int y0, int x1, int y1, color with, int thickness) {
    const int steps = std::max({std::abs(x1 - x0), std::abs(y1 - y0), 1});
    for (int i = 0; i <= steps; ++i)
        for (int t = 0; t < thickness * thickness; ++t)
            p.set(
                x0 + (x1 - x0) * i / steps + t % thickness,
                y0 + (y1 - y0) * i / steps + t / thickness,
                with
            );
}

// 1, 2 or 5 times a power of ten, so that about five of them reach `most`.
double tick_of(double most) {
    const double rough = most / 5, power = std::pow(10, std::floor(std::log10(rough)));
    for (const double each : {1.0, 2.0, 5.0})
        if (rough <= each * power) return each * power;
    return 10 * power;
}

std::string number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", value);
    return text;
}

struct axes {
    double most_x = 0, most_y = 0;
    int y0;  // of the panel's top

    int x(double value) const {
        return left + static_cast<int>(std::lround(value / most_x * (width - left - right)));
    }
    int y(double value) const {
        const double share = value / most_y;
        return y0 + panel_height - bottom -
               static_cast<int>(std::lround(share * (panel_height - top - bottom)));
    }
};

axes axes_of(const panel& what, int y0) {
    axes a{.y0 = y0};
    for (const series& line : what.lines) {
        for (const auto& [x, y] : line.points) {
            a.most_x = std::max(a.most_x, x);
            a.most_y = std::max(a.most_y, y);
        }
    }
    if (a.most_x <= 0) a.most_x = 1;
    a.most_y = a.most_y > 0 ? a.most_y * 1.05 : 1;
    return a;
}

void draw_axes(picture& p, const panel& what, const axes& a) {
    const double step_x = tick_of(a.most_x), step_y = tick_of(a.most_y);
    for (double y = 0; y <= a.most_y; y += step_y) {
        stroke(p, a.x(0), a.y(y), a.x(a.most_x), a.y(y), grid, 1);
        const std::string text = number(y);
        write(p, left - 8 - letter * int(text.size()), a.y(y) - 2 * dot, text, ink);
    }
    for (double x = 0; x <= a.most_x * 1.0001; x += step_x) {
        stroke(p, a.x(x), a.y(0), a.x(x), a.y(0) + 4, ink, 1);
        const std::string text = number(x);
        write(p, a.x(x) - letter * int(text.size()) / 2, a.y(0) + 10, text, ink);
    }
    stroke(p, a.x(0), a.y(0), a.x(a.most_x), a.y(0), ink, 1);
    stroke(p, a.x(0), a.y(0), a.x(0), a.y(a.most_y), ink, 1);
    write(p, left, a.y0 + 14, what.title, ink);
    write(p, left, a.y(0) + 30, what.x_label, ink);
}

}  // namespace

picture draw(const std::vector<panel>& panels) {
    picture p(width, panel_height * std::max(1, int(panels.size())), paper);
    std::vector<std::string> names;
    for (std::size_t i = 0; i < panels.size(); ++i) {
        const axes a = axes_of(panels[i], int(i) * panel_height);
        draw_axes(p, panels[i], a);
        for (std::size_t l = 0; l < panels[i].lines.size(); ++l) {
            const series& line = panels[i].lines[l];
            auto known = std::find(names.begin(), names.end(), line.name);
            if (known == names.end()) known = names.insert(names.end(), line.name);
            const auto which = static_cast<std::size_t>(known - names.begin());
            const color with = palette[which % std::size(palette)];
            for (std::size_t k = 1; k < line.points.size(); ++k)
                stroke(
                    p,
                    a.x(line.points[k - 1].first),
                    a.y(line.points[k - 1].second),
                    a.x(line.points[k].first),
                    a.y(line.points[k].second),
                    with,
                    2
                );
            const int y = a.y0 + top + int(l) * line_height;
            stroke(p, width - right + 16, y + 4, width - right + 36, y + 4, with, 3);
            write(p, width - right + 44, y, line.name, ink);
        }
    }
    return p;
}

}  // namespace penstock::simulator
