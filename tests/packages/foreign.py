"""Programs for other systems: headers that say so, and nothing that could run."""

import struct

# Machines, by the numbers of ELF and of Mach-O.
X86_64, AARCH64, RISC_V = 62, 183, 243
MAC_X86_64, MAC_ARM64 = 0x01000007, 0x0100000C


def program_for(file, machine):
    """An ELF program."""
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 3, machine, 1)
    file.write_bytes(header + b"\0GLIBC_2.17\0GLIBC_2.28\0GLIBC_2.2.5\0")
    return file


def mac_program(file, cpu, major, minor):
    """A Mach-O program, with the oldest macOS that it runs on."""
    other = struct.pack("<IIQ", 0x19, 16, 0)
    build_version = struct.pack("<IIIIII", 0x32, 24, 1, major << 16 | minor << 8, 0, 0)
    header = struct.pack("<IIIIIIII", 0xFEEDFACF, cpu, 0, 2, 2, len(other + build_version), 0, 0)
    file.write_bytes(header + other + build_version)
    return file
