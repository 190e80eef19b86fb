//! Where a line belongs: which of several places, which file, and whether it is one more of those that were there.

use super::*;

#[test]
fn what_a_model_read_once_is_its_own_where_it_stands_once_more() {
    let block = "\
+fn second(items: &[Item]) -> u64 {
=    let sum_of_all = items.iter().map(price).sum();
=    rounded_to_cents(sum_of_all)
=}
+const AFTER_THE_SECOND: u64 = 2;
";
    let body =
        "+    let sum_of_all = items.iter().map(price).sum();\n+    rounded_to_cents(sum_of_all)\n+}\n";
    let first = format!("+fn first(items: &[Item]) -> u64 {{\n{body}");
    let second = format!("+fn second(items: &[Item]) -> u64 {{\n{body}+const AFTER_THE_SECOND: u64 = 2;\n");
    let told = |first: &str, before: Option<&str>| {
        let text = format!("{first}{second}").leak();
        let before = before.map(|text| candidate(1, 6, "shop", &[emission(Form::Write, "src/a.rs", text)]));
        let block = candidate(2, 7, "shop", &[emission(Form::Fence, "src/a.rs", block)]);
        Case::new("src/a.rs", text, before.into_iter().chain([block]).collect()).told()
    };
    let kept = first.replace('+', " ");
    assert_eq!(told(&kept, None), ". . . . 2 2 2 2 2");
    assert_eq!(told(&first, None), ". . . . 2 . . . 2", "not committed: either may be what was read");
    assert_eq!(told(&first, Some(&first)), "1 1 1 1 2 . . . 2", "nor what was put out before");
    assert_eq!(told("", None), "2 . . . 2");
    // Who shows what is not committed may have shown only that.
    let quotes = format!("{block}=const TYPED_BY_HAND: u64 = 3;\n");
    let quotes = candidate(2, 7, "shop", &[emission(Form::Fence, "src/a.rs", &quotes)]);
    let text = format!("{kept}{second}+const TYPED_BY_HAND: u64 = 3;\n").leak();
    assert_eq!(Case::new("src/a.rs", text, vec![quotes]).told(), ". . . . 2 . . . 2 .");
}

#[test]
fn what_stands_around_a_cursor_says_where_a_completion_belongs() {
    let put_out = "\
+    let wanted = beginning.to_lowercase();
+    let mut found: Vec<&Reader> = self.readers.values().collect();
+    found.sort_by(|left, right| left.name.cmp(&right.name));
";
    let around = [
        " fn named(&self, beginning: &str) -> Vec<&Reader> {\n",
        " // Readers in the order of their names.\n",
    ];
    let edited = put_out.replace("self.readers.values().collect()", "self.in_order_of_names(self.readers)");
    let text: &'static str = format!("{}{edited}{}", around[0], around[1]).leak();
    let told = |around: [&str; 2]| {
        let completion = format!("{}{put_out}{}", around[0], around[1]);
        let completion = emission(Form::Completion, "", &completion);
        Case::new("src/reader.rs", text, vec![candidate(1, 7, "shop", &[completion])]).told()
    };
    assert_eq!(told(around), ". 1 1~ 1 .");
    assert_eq!(told(["", ""]), ". . . . .", "too much of it is missing");
}

#[test]
fn of_two_equal_places_what_stands_around_says_which_was_meant() {
    let block = "+    fn reset(&mut self) {\n+        self.inner.reset();\n+    }\n";
    let edit = format!(" impl Reader for Second {{\n{block} }}\n");
    let text = format!(" impl Reader for First {{\n{block} }}\n impl Reader for Second {{\n{block} }}\n");
    let text: &'static str = text.leak();
    let edit = candidate(1, 7, "shop", &[emission(Form::Edit, "src/a.rs", &edit)]);
    assert_eq!(Case::new("src/a.rs", text, vec![edit]).told(), ". . . . . . 1 1 1 .");
}

#[test]
fn of_two_places_alike_the_nearer_one_is_meant() {
    let hunk = "+    let first_total = total(first_items);\n+    let last_total = total(last_items);\n";
    let hunk = candidate(1, 7, "shop", &[emission(Form::Patch, "src/a.rs", hunk)]);
    let far: String = (0..40).map(|at| format!(" fn stands_between_{at}() {{}}\n")).collect();
    let text = format!(
        "+    let first_total = total(first_items);\n+fn said() {{}}\n+    let last_total = total(last_items);\n{far}\
        +    let last_total = total(last_items);\n"
    );
    let text: &'static str = text.leak();
    assert_eq!(Case::new("src/a.rs", text, vec![hunk]).told().replace(". ", ""), "1 1 .");
}

#[test]
fn a_file_in_the_repository_s_own_folder_is_none_in_a_folder_called_as_the_repository() {
    let write = || candidate(1, 7, "shop", &[emission(Form::Write, "/projects/u/shop/a.rs", TOTAL)]);
    assert_eq!(Case::new("a.rs", TOTAL, vec![write()]).told(), "1 1 1 1 1 1 1");
    assert_eq!(Case::new("shop/a.rs", TOTAL, vec![write()]).told(), ". . . . . . .");
    // And the other way round.
    let write = || candidate(1, 7, "shop", &[emission(Form::Write, "/projects/u/shop/shop/a.rs", TOTAL)]);
    assert_eq!(Case::new("a.rs", TOTAL, vec![write()]).told(), ". . . . . . .");
    assert_eq!(Case::new("shop/a.rs", TOTAL, vec![write()]).told(), "1 1 1 1 1 1 1");
    let write = || candidate(1, 7, "shop", &[emission(Form::Write, "/projects/u/shop/a.rs", TOTAL)]);
    let alone = Case { has: false, ..Case::new("shop/a.rs", TOTAL, vec![write()]) };
    assert_eq!(alone.told(), "1 1 1 1 1 1 1", "the repository may have been in a folder of another name");
}

#[test]
fn a_head_that_many_files_have_is_not_of_a_block_that_names_none() {
    let head: String =
        (0..8).map(|at| format!("+// Line {at} of the licence that every file begins with.\n")).collect();
    let rest: String =
        (0..12).map(|at| format!("+let of_the_block_{at} = made_by_the_model({at});\n")).collect();
    let block = candidate(1, 7, "shop", &[emission(Form::Fence, "", &format!("{head}{rest}"))]);
    let typed: &'static str = format!("{head}+fn typed_by_hand() {{}}\n").leak();
    assert!(!Case::new("src/b.rs", typed, vec![block.clone()]).told().contains('1'));
    let taken: &'static str = format!("{head}{rest}").leak();
    assert!(!Case::new("src/b.rs", taken, vec![block]).told().contains('.'));
}

#[test]
fn cells_of_a_notebook_are_code() {
    let cell = "+import os\n+\n+for name in sorted(os.listdir(\"data\")):\n+    print(name)\n";
    let put = || vec![candidate(1, 7, "shop", &[emission(Form::Edit, "/p/shop/a.ipynb", cell)])];
    let lines = r#"    "source": [
+    "import os\n",
+    "\n",
+    "for name in sorted(os.listdir(\"data\")):\n",
+    "    print(name)"
    ]
"#;
    let case = Case::new("a.ipynb", lines, put());
    let attributed = case.attributed();
    assert_eq!(case.told().replace('~', ""), ". 1 1 1 1 .");
    assert!([1, 3].iter().all(|at| attributed[*at].as_ref().unwrap().class == Class::Ai));
    let text = r#"+   "source": "import os\n\nfor name in sorted(os.listdir(\"data\")):\n    print(name)"
"#;
    assert_eq!(Case::new("a.ipynb", text, put()).told(), "1~");
}
