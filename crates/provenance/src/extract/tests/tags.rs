//! Calls as tags in an answer's text: Cline and Roo.

use super::said;

#[test]
fn a_file_is_written() {
    assert_eq!(
        said(
            "I write it.\n\n<write_to_file>\n<path>src/a.html</path>\n<content>\n<p>\n  <path>x</path>\n</p>\n</content>\n\
             <task_progress>\n- [x] one\n</task_progress>\n</write_to_file>\n\nDone."
        ),
        "Write src/a.html\n+<p>\n+  <path>x</path>\n+</p>\n"
    );
}

#[test]
fn a_piece_is_replaced() {
    assert_eq!(
        said(
            "<replace_in_file>\n<path>a.ts</path>\n<diff>\n------- SEARCH\nx\n=======\ny\n+++++++ REPLACE\n</diff>\n\
             </replace_in_file>"
        ),
        "EditBlock a.ts\n-x\n+y\n"
    );
    assert_eq!(
        said(
            "<apply_diff>\n<args>\n<file>\n<path>a.ts</path>\n<diff>\n<content>\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> \
             REPLACE\n</content>\n<start_line>1</start_line>\n</diff>\n</file>\n<file>\n<path>b.ts</path>\n<diff>\n\
             <content>\n<<<<<<< SEARCH\nv\n=======\nw\n>>>>>>> REPLACE\n</content>\n</diff>\n</file>\n</args>\n</apply_diff>"
        ),
        "EditBlock a.ts\n-x\n+y\nEditBlock b.ts\n-v\n+w\n"
    );
    assert_eq!(
        said("<insert_content>\n<path>a.ts</path>\n<line>3</line>\n<content>x</content>\n</insert_content>"),
        "Edit a.ts\n+x\n"
    );
    assert_eq!(
        said(
            "<search_and_replace>\n<path>a</path>\n<search>x</search>\n<replace>y</replace>\n</search_and_replace>"
        ),
        "Edit a\n-x\n+y\n"
    );
}

#[test]
fn a_command_may_write_and_reading_does_not() {
    assert_eq!(
        said("<execute_command>\n<command>cat > a <<'E'\nx\nE</command>\n</execute_command>"),
        "Shell a\n+x\n"
    );
    assert_eq!(said("<read_file>\n<path>a.ts</path>\n</read_file>"), "");
    assert_eq!(said("<attempt_completion>\n<result>\nI wrote a.ts.\n</result>\n</attempt_completion>"), "");
}

#[test]
fn a_call_without_its_end_is_read_to_the_end() {
    assert_eq!(
        said("<write_to_file>\n<path>a.ts</path>\n<content>\nlet x;\nlet y"),
        "Write a.ts\n+let x;\n+let y\n"
    );
}
