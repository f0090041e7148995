/** Id of the element that holds a page's data. */
export const DATA_ID = "page-data";
