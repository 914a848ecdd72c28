// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/storage/surroundings.h"

#include <gmock/gmock.h>

#include "core/storage/fake_system.h"

namespace foxing::storage {
namespace {

using namespace std::string_literals;

TEST(Surroundings, OfABareMachineAreNone) {
  FakeSystem system;
  system.file("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme hypervisors avx2\n\n");
  system.file("/proc/1/cgroup", "0::/init.scope\n");
  system.file("/proc/1/environ", "HOME=/\0TERM=linux\0mycontainer=docker\0"s);
  system.file("/sys/class/dmi/id/sys_vendor", "LENOVO\n");
  const Surroundings surroundings = read_surroundings(system.root());
  EXPECT_EQ(surroundings.container, Container::none);
  EXPECT_EQ(surroundings.container_mark, "");
  EXPECT_FALSE(surroundings.virtual_machine);
  EXPECT_EQ(surroundings.hypervisor, "");
}

TEST(Surroundings, OfAnEmptyRootAreNone) {
  FakeSystem system;
  EXPECT_EQ(read_surroundings(system.root()).container, Container::none);
  EXPECT_FALSE(read_surroundings(system.root()).virtual_machine);
}

TEST(Surroundings, ContainersAreToldByTheirMarks) {
  struct Case {
    std::string file, content;
    Container container;
  };
  const Case cases[] = {
      {"/.dockerenv", "", Container::docker},
      {"/run/.containerenv", "engine=\"podman-4.3\"\n", Container::podman},
      {"/var/run/secrets/kubernetes.io/serviceaccount/token", "x", Container::kubernetes},
      {"/run/systemd/container", "systemd-nspawn\n", Container::nspawn},
      {"/run/systemd/container", "lxc\n", Container::lxc},
      {"/run/systemd/container", "rkt\n", Container::other},
      {"/proc/1/environ", "PATH=/bin\0container=lxc\0"s, Container::lxc},
      {"/proc/1/cgroup", "12:pids:/docker/0123\n", Container::docker},
      {"/proc/1/cgroup", "0::/lxc.payload.web\n", Container::lxc},
      {"/proc/1/cgroup", "0::/machine.slice/libpod-0123.scope\n", Container::podman},
      {"/proc/1/cgroup", "1:cpu:/kubepods/besteffort/pod12/docker-0123\n", Container::kubernetes},
  };
  for (const Case& c : cases) {
    FakeSystem system;
    system.file(c.file, c.content);
    EXPECT_EQ(read_surroundings(system.root()).container, c.container) << c.file << " " << c.content;
    EXPECT_NE(read_surroundings(system.root()).container_mark, "") << c.file;
  }
}

TEST(Surroundings, APodOnDockerIsAPod) {
  FakeSystem system;
  system.file("/.dockerenv", "");
  system.directory("/var/run/secrets/kubernetes.io/serviceaccount");
  EXPECT_EQ(read_surroundings(system.root()).container, Container::kubernetes);
}

TEST(Surroundings, HypervisorsAreToldByFirmware) {
  struct Case {
    const char *vendor, *product, *hypervisor;
  };
  const Case cases[] = {
      {"QEMU", "Standard PC (Q35 + ICH9, 2009)", "QEMU"},
      {"Red Hat", "KVM", "KVM"},
      {"VMware, Inc.", "VMware Virtual Platform", "VMware"},
      {"innotek GmbH", "VirtualBox", "VirtualBox"},
      {"Microsoft Corporation", "Virtual Machine", "Hyper-V"},
      {"Microsoft Corporation", "Surface Pro", ""},
      {"Google", "Google Compute Engine", "KVM"},
      {"Amazon EC2", "m5.large", "KVM"},
      {"Amazon EC2", "m5.metal", ""},
      {"Xen", "HVM domU", "Xen"},
      {"Dell Inc.", "PowerEdge", ""},
  };
  for (const Case& c : cases) {
    FakeSystem system;
    system.file("/sys/class/dmi/id/sys_vendor", std::string(c.vendor) + "\n");
    system.file("/sys/class/dmi/id/product_name", std::string(c.product) + "\n");
    const Surroundings surroundings = read_surroundings(system.root());
    EXPECT_EQ(surroundings.hypervisor, c.hypervisor) << c.vendor;
    EXPECT_EQ(surroundings.virtual_machine, *c.hypervisor != '\0') << c.vendor;
  }
}

TEST(Surroundings, WithoutFirmwareTheFlagTells) {
  FakeSystem system;
  system.file("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme hypervisor\n\nprocessor\t: 1\n");
  const Surroundings surroundings = read_surroundings(system.root());
  EXPECT_TRUE(surroundings.virtual_machine);
  EXPECT_EQ(surroundings.hypervisor, "");
}

TEST(Surroundings, XenAndTheDeviceTreeTellToo) {
  FakeSystem xen;
  xen.file("/sys/hypervisor/type", "xen\n");
  EXPECT_EQ(read_surroundings(xen.root()).hypervisor, "Xen");
  FakeSystem arm;
  arm.file("/proc/device-tree/hypervisor/compatible", "linux,kvm\0"s);
  EXPECT_EQ(read_surroundings(arm.root()).hypervisor, "KVM");
  EXPECT_TRUE(read_surroundings(arm.root()).virtual_machine);
}

}  // namespace
}  // namespace foxing::storage
