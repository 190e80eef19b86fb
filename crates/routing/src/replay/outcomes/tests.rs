use super::*;

const HEADING: &str = "instance_id,harness,model,resolved,cost_usd\n";

fn told(lines: &str) -> String {
    Outcomes::read(&format!("{HEADING}{lines}")).unwrap_err().to_string()
}

#[test]
fn columns_stand_in_any_order_beside_others_and_fields_may_be_quoted() {
    let plain = "a__b-1,pilot,small,1,0.25\na__b-2,pilot,small,,\nc-1,,large,0,0\n";
    let turned = "\u{feff}cost_usd, model ,note,resolved,harness,instance_id\r\n\
                  0.25,small,\"a \"\"b\"\", c\n and d\",true,pilot,a__b-1\r\n\r\n\
                  ,\"small\",,,pilot,a__b-2\r\n0.0,large,x,False,,\" c-1 \"\r\n";
    let read = Outcomes::read(&format!("{HEADING}{plain}")).unwrap();
    assert_eq!(read, Outcomes::read(turned).unwrap());
    let task = |id: &str, repository: &str| Task { id: id.to_owned(), repository: repository.to_owned() };
    assert_eq!(read.tasks(), [task("a__b-1", "a__b"), task("a__b-2", "a__b"), task("c-1", "c")]);
    let names: Vec<&str> = read.rows().iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["large", "pilot/small"]);
    let cell = |resolved, cost| Some(Cell { resolved, cost });
    assert_eq!(read.rows()[0].cells, [None, None, cell(Some(false), Some(0))]);
    assert_eq!(read.rows()[1].cells, [cell(Some(true), Some(250_000)), cell(None, None), None]);
}

#[test]
fn a_repository_may_have_its_own_column() {
    let text = "repository,instance_id,harness,model,resolved,cost_usd\nx,1,h,m,1,1\n,y-2,h,m,1,1\n";
    let read = Outcomes::read(text).unwrap();
    let repositories: Vec<&str> = read.tasks().iter().map(|task| task.repository.as_str()).collect();
    assert_eq!(repositories, ["x", "y"]);
    let moved = Outcomes::read(&format!("{text}z,1,h,n,1,1\n")).unwrap_err().to_string();
    assert_eq!(moved, "line 4 says that `1` is of `z`, an earlier line of `x`");
}

#[test]
fn an_error_names_the_line_and_the_column() {
    for (lines, words) in [
        ("a-1,h,m,1,0.1\n\na-2,h,m,maybe,0.1\n", "line 4, column `resolved`: `maybe` is not 1 or true"),
        ("a-1,h,m,1,\"0.1\"\r\na-2,h,m,1,cheap\r\n", "line 3, column `cost_usd`: `cheap` is not an amount"),
        ("a-1,h,m,1,-0.1\n", "line 2, column `cost_usd`: `-0.1`"),
        ("a-1,h,m,1,NaN\n", "line 2, column `cost_usd`: `NaN`"),
        ("a-1,h,m,1,1e300\n", "line 2, column `cost_usd`: `1e300`"),
        ("a-1,h,m,1,\"0,1\"\n", "line 2, column `cost_usd`: `0,1`"),
        (",h,m,1,1\n", "line 2, column `instance_id`: `` is not a task's id"),
        ("a-1,h, ,1,1\n", "line 2, column `model`: `` is not a model's name"),
        ("a-1,h,m,1\n", "line 2 has 4 fields where the heading has 5"),
        ("a-1,h,m,1,1,1\n", "line 2 has 6 fields where the heading has 5"),
        ("a-1,\"h\n,m\",m,1,1\na-2,\"h,m,1,1\na-3,h,m,1,1\n", "line 4 has 2 fields where the heading has 5"),
        (
            "a-1,h,m,1,1\na-2,h,m,1,1\na-1,h,m,0,1\n",
            "line 4 is a second outcome of `h/m` on `a-1`, after line 2",
        ),
        ("", "there is no outcome in it"),
    ] {
        assert!(told(lines).starts_with(words), "{}", told(lines));
    }
}

#[test]
fn a_heading_that_lacks_a_column_says_what_it_has() {
    for (text, words) in [
        ("", "line 1 has no column `instance_id`; it has nothing"),
        (
            "instance_id,harness,model,solved,cost_usd\n",
            "line 1 has no column `resolved`; it has `instance_id`, ",
        ),
        ("model,instance_id,harness,model,resolved,cost_usd\n", "line 1 has the column `model` twice"),
    ] {
        let told = Outcomes::read(text).unwrap_err().to_string();
        assert!(told.starts_with(words), "{told}");
    }
}

#[test]
fn a_row_is_found_by_its_name_or_by_a_model_that_is_its_alone() {
    let read = Outcomes::read(include_str!("../samples/pilot.csv")).unwrap();
    assert_eq!(read.row("pilot/large").unwrap().name, "pilot/large");
    assert_eq!(read.row("small").unwrap().name, "pilot/small");
    let told = |name| read.row(name).unwrap_err().to_string();
    assert_eq!(told("large"), "`large` may be `crew/large`, `pilot/large`");
    assert!(
        told("pilot/Smal").starts_with("the file has no row `pilot/Smal`; the closest are `pilot/small`")
    );
    assert!(told("Smal").contains("closest are `pilot/small`"), "{}", told("Smal"));
}

#[test]
fn a_median_is_of_the_costs_that_are_stated_and_not_zero() {
    let median = |costs: &str| {
        let line = |(at, cost)| format!("a-{at},h,m,1,{cost}\n");
        let lines: String = costs.split(' ').enumerate().map(line).collect();
        Outcomes::read(&format!("{HEADING}{lines}")).unwrap().rows()[0].median_cost()
    };
    assert_eq!(median("0.3 0 0.1 _ 0.2".replace('_', "").as_str()), Some(200_000.0));
    assert_eq!(median("0.3 0 0.2"), Some(250_000.0));
    assert_eq!(median("0 0.0"), None);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "(instance_id,harness,model,resolved,cost_usd\n)?[a-c1-2,\"\r\n. -]{0,80}") {
        let _ = Outcomes::read(&text);
    }
}
