// Arguments of Float whose exact value lies nearest to the middle of two Floats, and the Float that is nearest to it. Found
// by trying every argument, decided in 300 bits of precision by MPFR.

import ElementaryFunctionsSupport

struct HardCase {
  /// The bits of the argument.
  var argument: UInt32
  /// The bits of the nearest `Float`.
  var nearest: UInt32
}

let hardCases: [ElementaryFunction: [HardCase]] = [
  .exp: [
    HardCase(argument: 0xc169_12cd, nearest: 0x34fd_331b),
    HardCase(argument: 0xbbf0_edf1, nearest: 0x3f7e_1fe9),
    HardCase(argument: 0x377e_ff81, nearest: 0x3f80_0080),
    HardCase(argument: 0xbae0_e25c, nearest: 0x3f7f_8fa7),
    HardCase(argument: 0xb300_0000, nearest: 0x3f80_0000),
    HardCase(argument: 0x39c6_be5b, nearest: 0x3f80_0c6d),
    HardCase(argument: 0x38e6_9cc1, nearest: 0x3f80_039a),
    HardCase(argument: 0x383a_3ef1, nearest: 0x3f80_0175),
    HardCase(argument: 0x3d1a_274e, nearest: 0x3f84_e8ba),
    HardCase(argument: 0x4031_5b33, nearest: 0x417f_a47d),
    HardCase(argument: 0x4001_b249, nearest: 0x40f2_cd14),
    HardCase(argument: 0x39e5_bb1d, nearest: 0x3f80_0e5d),
  ],
  .expm1: [
    HardCase(argument: 0x3dc2_52dd, nearest: 0x3dcb_d76b),
    HardCase(argument: 0x3a25_4e7a, nearest: 0x3a25_5bd3),
    HardCase(argument: 0x34ca_62c1, nearest: 0x34ca_62c3),
    HardCase(argument: 0xb675_cbfc, nearest: 0xb675_cbdf),
    HardCase(argument: 0x33b5_04f3, nearest: 0x33b5_04f3),
    HardCase(argument: 0xbb7b_3b6c, nearest: 0xbb7a_c04e),
    HardCase(argument: 0x3632_2b1b, nearest: 0x3632_2b2a),
    HardCase(argument: 0xb380_0000, nearest: 0xb380_0000),
    HardCase(argument: 0x4031_5b33, nearest: 0x416f_a47d),
    HardCase(argument: 0x4001_b249, nearest: 0x40d2_cd14),
    HardCase(argument: 0x37b6_1385, nearest: 0x37b6_1407),
    HardCase(argument: 0x4288_942b, nearest: 0x70b7_a4c5),
  ],
  .log: [
    HardCase(argument: 0x65d8_90d3, nearest: 0x4254_d1f9),
    HardCase(argument: 0x4c5d_65a5, nearest: 0x418f_034b),
    HardCase(argument: 0x4d60_4ebe, nearest: 0x419a_352c),
    HardCase(argument: 0x4117_8feb, nearest: 0x400f_e5e7),
    HardCase(argument: 0x1f11_6ab8, nearest: 0xc233_b53e),
    HardCase(argument: 0x66a8_c860, nearest: 0x4259_5e46),
    HardCase(argument: 0x3c41_3d3a, nearest: 0xc08e_158f),
    HardCase(argument: 0x6f31_a8ec, nearest: 0x4284_5a89),
    HardCase(argument: 0x38dc_be38, nearest: 0xc112_8ba4),
    HardCase(argument: 0x4665_a9a6, nearest: 0x4119_8725),
    HardCase(argument: 0x5ee8_984e, nearest: 0x422e_4a21),
    HardCase(argument: 0x3bf8_6ef0, nearest: 0xc09c_399e),
  ],
  .log1p: [
    HardCase(argument: 0x3540_0003, nearest: 0x353f_ffff),
    HardCase(argument: 0xb53f_fffd, nearest: 0xb540_0001),
    HardCase(argument: 0x65d8_90d3, nearest: 0x4254_d1f9),
    HardCase(argument: 0x3efd_81ad, nearest: 0x3ecd_eee1),
    HardCase(argument: 0x3710_001b, nearest: 0x370f_fff3),
    HardCase(argument: 0xb70f_ffe5, nearest: 0xb710_000d),
    HardCase(argument: 0x5518_5f82, nearest: 0x41ef_d648),
    HardCase(argument: 0x4107_8feb, nearest: 0x400f_e5e7),
    HardCase(argument: 0x66a8_c860, nearest: 0x4259_5e46),
    HardCase(argument: 0xbb0e_c8c4, nearest: 0xbb0e_f0a5),
    HardCase(argument: 0x6f31_a8ec, nearest: 0x4284_5a89),
    HardCase(argument: 0x3770_004b, nearest: 0x376f_ffdb),
  ],
  .tanh: [
    HardCase(argument: 0x3ac3_7de2, nearest: 0x3ac3_7dd9),
    HardCase(argument: 0xbac3_7de2, nearest: 0xbac3_7dd9),
    HardCase(argument: 0x3eee_0566, nearest: 0x3ede_3cbe),
    HardCase(argument: 0xbeee_0566, nearest: 0xbede_3cbe),
    HardCase(argument: 0x40ac_b4d0, nearest: 0x3f7f_fd50),
    HardCase(argument: 0xc0ac_b4d0, nearest: 0xbf7f_fd50),
  ],
  .sigmoid: [
    HardCase(argument: 0xb380_0000, nearest: 0x3f00_0000),
    HardCase(argument: 0x3400_0000, nearest: 0x3f00_0000),
    HardCase(argument: 0xb440_0000, nearest: 0x3eff_ffff),
    HardCase(argument: 0x34c0_0000, nearest: 0x3f00_0001),
    HardCase(argument: 0xb4a0_0000, nearest: 0x3eff_fffe),
    HardCase(argument: 0xb4e0_0000, nearest: 0x3eff_fffd),
    HardCase(argument: 0x3520_0000, nearest: 0x3f00_0002),
    HardCase(argument: 0xb510_0000, nearest: 0x3eff_fffc),
    HardCase(argument: 0xb530_0000, nearest: 0x3eff_fffb),
    HardCase(argument: 0x3560_0000, nearest: 0x3f00_0003),
    HardCase(argument: 0xb550_0000, nearest: 0x3eff_fffa),
    HardCase(argument: 0x3590_0000, nearest: 0x3f00_0004),
  ],
  .normalCDF: [
    HardCase(argument: 0x33a0_6c99, nearest: 0x3f00_0001),
    HardCase(argument: 0xb320_6c99, nearest: 0x3eff_ffff),
    HardCase(argument: 0xbe7c_d341, nearest: 0x3ece_138e),
    HardCase(argument: 0xbb7f_d5fa, nearest: 0x3eff_33e0),
    HardCase(argument: 0xbc48_f2c9, nearest: 0x3efd_7eae),
    HardCase(argument: 0x3b76_2c8b, nearest: 0x3f00_6235),
    HardCase(argument: 0x3f2f_ecc1, nearest: 0x3f41_07b1),
    HardCase(argument: 0x3c64_ab81, nearest: 0x3f01_6ce4),
    HardCase(argument: 0xb8e4_065c, nearest: 0x3eff_fa50),
    HardCase(argument: 0x38b1_2ff2, nearest: 0x3f00_0236),
    HardCase(argument: 0xba35_a477, nearest: 0x3eff_dbc4),
    HardCase(argument: 0x395e_b2c1, nearest: 0x3f00_058d),
  ],
]
