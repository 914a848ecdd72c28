/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The compiled programs as bytes of this one.  FOXING_CTIME_OBJECT is the path of the file. */
        .section .rodata
        .balign 16
        .global foxing_ctime_object
foxing_ctime_object:
        .incbin FOXING_CTIME_OBJECT
        .global foxing_ctime_object_end
foxing_ctime_object_end:
        .section .note.GNU-stack, "", %progbits
