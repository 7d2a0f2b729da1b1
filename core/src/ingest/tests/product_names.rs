use super::*;

const NAMES: &str = include_str!("../../../fixtures/microsoft_licensing/product_names.csv");

#[test]
fn a_sku_is_one_product_for_each_of_its_names_in_every_copy_of_the_table() {
    let dashed = NAMES.replace("String_ Id", "String_Id");
    let (cp1252, _, _) = encoding_rs::WINDOWS_1252.encode(NAMES);
    let crlf = cp1252.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]);
    for (bytes, encoding) in [
        (NAMES.as_bytes().to_vec(), "utf-8"),
        ([b"\xef\xbb\xbf", dashed.as_bytes()].concat(), "utf-8-bom"),
        (crlf, "windows-1252"),
    ] {
        let report = read("upload", &bytes, &ReadOptions::default()).unwrap();
        assert_eq!((report.format, report.read, report.refused_total), ("microsoft_product_names", 5, 0));
        assert!(report.encoding == encoding || encoding == "utf-8-bom", "{}", report.encoding);
        assert_eq!(report.unknown_columns, Vec::<String>::new());
        let told: Vec<_> = report
            .records
            .iter()
            .filter_map(|sourced| match &sourced.record {
                Record::Product(row) => Some((
                    sourced.line,
                    row.name.as_deref().unwrap(),
                    row.part_number.as_deref().unwrap(),
                    &row.sku.as_deref().unwrap()[..8],
                )),
                _ => None,
            })
            .collect();
        assert_eq!(
            told,
            [
                (2, "Microsoft 365 Business Premium", "SPB", "cbdc14ab"),
                (4, "Visio Plan 2", "VISIOCLIENT", "c5928f49"),
                (5, "Visio Plan 2", "VISIO_PLAN2_DEPT", "38b434d2"),
                (6, "Visio Online Plan 2", "VISIOCLIENT", "c5928f49"),
            ]
        );
    }
}

#[test]
fn a_bare_list_of_skus_is_neither_names_nor_rules() {
    let list = error(
        r#"[{"GUID":"f30db892-07e9-47e9-837c-80727f46fd3d","Product_Display_Name":"Microsoft Power Automate Free"}]"#,
    );
    assert_eq!(list.code(), "nothing_to_compare");
    assert!(list.to_string().contains("`exclude`"), "{list}");
}
