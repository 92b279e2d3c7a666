// What admission policies are worth under the reference loads, and how fast the simulator is.
//
//     bench_simulator [--policy NAME] [--quick] [--plot FILE.png]
#include "simulator/reference.hpp"

int main() {
    return 0;
}
