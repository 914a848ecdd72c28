# SPDX-License-Identifier: GPL-2.0-or-later
# What is installed: programs, the daemon's unit, man page, completions for bash, zsh and fish, documents.
#   targets man and completions   the page and the completions, below ${CMAKE_BINARY_DIR}/share; generated from the table of options, by
#                                 fxcp_docgen.  Part of every build that is not for a sanitizer: `cmake --install` finds them there.
include(GNUInstallDirs)

set(share ${CMAKE_BINARY_DIR}/share)
function(foxing_generated what file)
  get_filename_component(folder ${file} DIRECTORY)
  add_custom_command(OUTPUT ${file}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${folder}
    COMMAND fxcp_docgen ${what} > ${file}
    DEPENDS fxcp_docgen
    VERBATIM
    COMMENT "Writing ${what}: ${file}")
endfunction()
foxing_generated(man ${share}/man/man1/fxcp.1)
foxing_generated(bash ${share}/bash-completion/completions/fxcp)
foxing_generated(zsh ${share}/zsh/site-functions/_fxcp)
foxing_generated(fish ${share}/fish/vendor_completions.d/fxcp.fish)

if(FOXING_SANITIZE)
  set(always)
else()
  set(always ALL)
endif()
add_custom_target(man ${always} DEPENDS ${share}/man/man1/fxcp.1)
add_custom_target(completions ${always} DEPENDS ${share}/bash-completion/completions/fxcp ${share}/zsh/site-functions/_fxcp
  ${share}/fish/vendor_completions.d/fxcp.fish)

install(TARGETS fxcp RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(FOXING_DAEMON)
  set(bindir ${CMAKE_INSTALL_FULL_BINDIR})
  configure_file(${CMAKE_SOURCE_DIR}/dist/foxingd.service ${CMAKE_BINARY_DIR}/foxingd.service @ONLY)
  install(TARGETS foxingd RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES ${CMAKE_BINARY_DIR}/foxingd.service DESTINATION lib/systemd/system)
endif()
install(FILES ${share}/man/man1/fxcp.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${share}/bash-completion/completions/fxcp DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${share}/zsh/site-functions/_fxcp DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${share}/fish/vendor_completions.d/fxcp.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES README.md CHANGELOG.md CONTRIBUTING.md STYLE.md LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/foxing)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/foxing FILES_MATCHING PATTERN "*.md")
